"""Each sentence of docs/security.md that promises something names a test file, and that file holds tests."""

from __future__ import annotations

import re

from tests.commands import REPOSITORY


def test_every_promise_names_a_test_that_is_there() -> None:
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8").split("## What does not hold")[0]
    promises = [part for part in re.split(r"\n(?=- |\n)", text) if part.startswith("- ")]
    assert promises
    assert [promise for promise in promises if not re.search(r"tests/[\w/]+\.py", promise)] == []
    files = {name for promise in promises for name in re.findall(r"tests/[\w/]+\.py", promise)}
    assert [name for name in sorted(files) if "\ndef test_" not in (REPOSITORY / name).read_text("utf-8")] == []
