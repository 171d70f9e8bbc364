"""Whatever a file of another form makes its reader raise has one name and says which file."""

from __future__ import annotations

import json

import pytest

from benchy.errors import ConfigError, DiskFull, EvaluationFailed
from benchy.results.damage import damage_named


@pytest.mark.parametrize(
    "read",
    [
        lambda: json.loads("{"),
        lambda: dict[str, int]()["results"],
        lambda: list(range(0))[0],  # noqa: RUF015 - an IndexError is wanted
        lambda: len(5),  # type: ignore[arg-type]
        lambda: object.__getattribute__("text", "items"),
        lambda: float(10**400),
        lambda: open("/nowhere/at all"),  # noqa: PTH123, SIM115
    ],
)
def test_it_is_named_with_the_file_the_reason_and_what_to_do(read: object) -> None:
    assert callable(read)
    with (
        pytest.raises(ConfigError, match=r"^FILE is none: \w+Error: ") as caught,
        damage_named(ConfigError, "FILE is none", hint="make it anew"),
    ):
        read()
    assert caught.value.hint == "make it anew"
    assert caught.value.__cause__ is not None


def test_an_error_that_has_a_name_keeps_it() -> None:
    with pytest.raises(DiskFull, match="full"), damage_named(EvaluationFailed, "FILE is none"):
        raise DiskFull("full")


def test_what_is_no_damage_is_not_hidden() -> None:
    with pytest.raises(KeyboardInterrupt), damage_named(ConfigError, "FILE is none"):
        raise KeyboardInterrupt
