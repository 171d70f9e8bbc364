"""A runtime of another package is told from what is none, by what it can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import ConfigError
from benchy.plugins import resolve
from benchy.runtimes.base import MustWait, RunIdentity, Runtime
from benchy.runtimes.choose import RUNTIMES, load_runtime

METHODS = ("available", "start", "leases", "end")


@pytest.mark.parametrize("address", RUNTIMES.values())
def test_benchys_own_runtimes_are_runtimes(address: str) -> None:
    kind = resolve(address)
    assert isinstance(kind(), Runtime), "it is made without arguments, and connects to nothing"
    assert isinstance(kind.has_own_packages, bool)


def test_what_has_all_parts_is_one() -> None:
    parts = dict.fromkeys(METHODS, lambda *_: None) | {"has_own_packages": True}
    assert isinstance(type("Own", (), parts)(), Runtime)


@pytest.mark.parametrize("lacks", [*METHODS, "has_own_packages"])
def test_what_lacks_a_part_is_none(lacks: str) -> None:
    parts = dict.fromkeys(METHODS, lambda *_: None) | {"has_own_packages": True}
    del parts[lacks]
    assert not isinstance(type("Own", (), parts)(), Runtime)


def test_one_that_is_incomplete_is_refused_where_the_config_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class Half:\n    has_own_packages = False\n    def available(self): return True\n"
    (tmp_path / "half_a_runtime.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError) as refused:
        load_runtime("half_a_runtime:Half")
    assert refused.value.message == 'runtime: "half_a_runtime:Half" is a Half, and no Runtime'


@pytest.mark.parametrize("name", ["podman", "", "docker "])
def test_a_name_of_none_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_runtime(name)
    assert (refused.value.message, refused.value.hint) == (
        f'runtime: there is no "{name}"',
        "name one of docker, process",
    )


def test_a_run_is_whose_worker_it_is() -> None:
    run = RunIdentity("a", "1", Path("outputs/a"))
    assert run.flow_run_id is None
    assert run == RunIdentity(name="a", run_id="1", folder=Path("outputs/a"), flow_run_id=None)
    with pytest.raises(AttributeError):
        run.name = "b"  # type: ignore[misc]


def test_a_run_that_must_wait_says_for_what() -> None:
    assert str(MustWait("GPU 0 is used by run b")) == "GPU 0 is used by run b"
