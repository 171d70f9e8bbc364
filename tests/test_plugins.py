"""What another package brings is found by its address or its entry point, and is what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest

from benchy.errors import ConfigError
from benchy.plugins import is_address, load_plugin, resolve

GROUP = "benchy.of_this_test"
MODULE = """
class Kettle:
    def boil(self) -> str:
        return "boiled"

class Broken:
    def __init__(self) -> None:
        raise RuntimeError("no water")

ready = Kettle()
nothing = None
number = 7
"""


@runtime_checkable
class Boils(Protocol):
    """What the plug-ins of this test must be."""

    def boil(self) -> str:
        """Return what became of the water."""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a package as pip leaves it: a module, and the entry points in its metadata."""
    (tmp_path / "kettle_of_this_test.py").write_text(MODULE, encoding="utf-8")
    info = tmp_path / "kettle_of_this_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kettle-of-this-test\nVersion: 1.0\n", encoding="utf-8")
    lines = ["kettle = kettle_of_this_test:Kettle", "gone = kettle_of_this_test:Gone"]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["package:Name", "package.module:Name", "_p.m1:n_2"])
def test_an_address_says_where_something_is(name: str) -> None:
    assert is_address(name)


@pytest.mark.parametrize(
    "name", ["", "hf", "a.b", ":Name", "a:", "a..b:C", ".a:C", "a:b.c", "a:b:c", "a b:C", "../a:C"]
)
def test_what_python_could_not_import_is_no_address(name: str) -> None:
    assert not is_address(name)


def test_an_address_is_imported() -> None:
    assert resolve("collections.abc:Mapping") is __import__("collections.abc").abc.Mapping


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["kettle", "kettle_of_this_test:Kettle", "kettle_of_this_test:ready"])
def test_a_class_is_called_and_an_object_is_taken_as_it_is(name: str) -> None:
    found = load_plugin(name, Boils, key="runtime", group=GROUP)  # type: ignore[type-abstract]
    assert found is not None
    assert found.boil() == "boiled"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("name", "group"), [("teapot", GROUP), ("kettle", None), ("kettle", "another.group")])
def test_a_name_that_no_package_has_is_nothing(name: str, group: str | None) -> None:
    assert load_plugin(name, Boils, key="runtime", group=group) is None  # type: ignore[type-abstract]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere_of_this_test:Kettle", "ModuleNotFoundError: No module named 'nowhere_of_this_test'"),
        ("kettle_of_this_test:Teapot", "AttributeError: "),
        ("kettle_of_this_test:Broken", "RuntimeError: no water"),
        ("gone", "AttributeError: "),
    ],
)
def test_what_cannot_be_loaded_is_named_with_its_key_and_reason(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_plugin(name, Boils, key="runtime", group=GROUP)  # type: ignore[type-abstract]
    assert refused.value.message.startswith(f'runtime: "{name}" cannot be loaded: {said}')
    assert "install its package for this Python" in refused.value.hint


@pytest.mark.usefixtures("installed")
def test_what_is_something_else_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        load_plugin("kettle_of_this_test:number", Boils, key="upload.to")  # type: ignore[type-abstract]
    assert refused.value.message == 'upload.to: "kettle_of_this_test:number" is a int, and no Boils'
    assert refused.value.hint == "docs/extending.md shows what a Boils is"
