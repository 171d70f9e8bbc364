from __future__ import annotations

import pytest

from tasks.markdown import as_plain_markdown, as_plain_rows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](https://host/beacon)", r"\!\[x\](https\://host/beacon)"),
        ("<img src=x onerror=y>", r"\<img src=x onerror=y\>"),
        ("# big\n- a\n1. b\n***", "\\# big\n\\- a\n1\\. b\n\\*\\*\\*"),
        ("demo_addition 0.5 ± 0.1", "demo_addition 0.5 ± 0.1"),
        ("_so_ and `so` | www.host", r"\_so\_ and \`so\` \| www\.host"),
    ],
)
def test_what_a_model_says_is_shown_and_not_rendered(text: str, shown: str) -> None:
    assert as_plain_markdown(text) == shown
    assert as_plain_rows([{"value": text}]) == [{"value": shown}]
