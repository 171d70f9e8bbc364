"""Frozen data: a copy is checked as the original was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

import pytest
from pydantic import ValidationError

from benchy.frozen import FrozenModel

ROOT = Path(__file__).parents[1]


class Thing(FrozenModel):
    name: str
    sizes: tuple[int, ...] = ()

    def sized(self, *sizes: int) -> Self:
        return self._with(sizes=sizes)

    def misnamed(self) -> Self:
        return self._with(nmae="typo")


def test_a_named_method_changes_a_copy_alone() -> None:
    thing = Thing(name="a")
    assert (thing.sized(1, 2), thing) == (Thing(name="a", sizes=(1, 2)), Thing(name="a"))


@pytest.mark.parametrize("changes", [{"nmae": "b"}, {"sizes": "many"}, {"name": None}])
def test_a_copy_with_a_wrong_name_or_value_is_refused(changes: dict[str, object]) -> None:
    """pydantic's own ``model_copy`` took both, and the typo vanished from the record."""
    with pytest.raises(ValidationError):
        Thing(name="a").model_copy(update=changes)


def test_a_typo_in_a_method_of_the_class_is_refused() -> None:
    with pytest.raises(ValidationError, match="nmae"):
        Thing(name="a").misnamed()


def test_a_plain_copy_is_equal() -> None:
    thing = Thing(name="a", sizes=(1,))
    assert thing.model_copy() == thing.model_copy(deep=True) == thing


def test_nobody_copies_with_loose_names() -> None:
    """A named method says what a change means, and mypy checks who calls it."""
    files = [path for room in ("benchy", "flows", "tasks") for path in (ROOT / room).rglob("*.py")]
    loose = re.compile(r"\.model_copy\(\s*update|(?<!self)(?<!copy)\._with\(")
    found = [str(path) for path in files if loose.search(path.read_text("utf-8"))]
    assert (found, len(files) > 100) == ([], True)
