"""The page of the layout is that of the code."""

from __future__ import annotations

from docs.make_layout import LAYOUT, layout


def test_the_layout_is_that_of_the_code() -> None:
    assert LAYOUT.read_text(encoding="utf-8") == layout(), "run `make layout`"
