"""What YAML is refused, how soon, and that all other YAML reads as `yaml.safe_load` does."""

from __future__ import annotations

import time

import pytest
import yaml

from benchy.bounded_yaml import read_yaml
from tests.fuzz.hostile import LAUGHS, MERGES

REFUSED = {
    "contains itself": ["&x [*x]", "&x {a: *x}"],
    "nest": ["[" * 3000 + "]" * 3000, "{a: " * 60 + "}" * 60, "- " * 300 + "x"],
    "more than 20,000 values": [LAUGHS, MERGES, "".join(f"k{n}: 1\n" for n in range(30_000))],
    "larger than 1,000,000 bytes": ["# " + "x" * 1_000_000],
    "more than 100 characters": ["a: " + "1" * 5000, "a: 0x" + "f" * 5000, "a: " + "1:" * 100 + "1"],
    "unhashable": ["{[1, 2]: 3}", "{? {a: 1} : 2}"],
    "cannot be read": ["2026-13-45", "!!int x", "!!float x", "!!bool x", "!!timestamp x"],
    "constructor": ["!!python/object/apply:os.system [true]", "!!python/name:os.system", "!function os.system"],
}


CASES = [pytest.param(said, text, id=f"{said}-{text[:12]}") for said, texts in REFUSED.items() for text in texts]


@pytest.mark.parametrize(("said", "text"), CASES)
def test_what_hangs_or_raises_elsewhere_is_a_yaml_error_at_once(said: str, text: str) -> None:
    """Most were a TypeError, a RecursionError or a ValueError, and so "a bug in Benchy"; the bombs took all memory."""
    started = time.monotonic()
    with pytest.raises(yaml.YAMLError, match=said):
        read_yaml(text)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    ["", "a: &a {b: 1}\nc: {<<: *a, b: 2}\nd: [*a, *a]", "a: 0x1f\nb: 2026-01-02\nc: !!set {x}", "a: é", "k: 'it''s'"],
)
def test_all_else_reads_as_before(text: str) -> None:
    assert read_yaml(text) == yaml.safe_load(text)
