"""The Python of another environment is named by the config or the host, and finds its own packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchy.worker_python import VARIABLE, in_environment_of, other_python


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("variable", ["", None])
def test_nobody_names_one(monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    if variable is not None:
        monkeypatch.setenv(VARIABLE, variable)
    assert other_python(None) is None


def test_the_config_goes_before_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/host/python")
    assert other_python(None) == "/host/python"
    assert other_python("/config/python") == "/config/python"


def test_a_name_without_a_folder_is_looked_for_by_the_shells_rules() -> None:
    assert other_python("python3.11") == "python3.11"


def test_a_relative_path_is_of_the_current_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert other_python("vllm/bin/python") == str(tmp_path / "vllm" / "bin" / "python")


@pytest.mark.parametrize("by", ["config", "host"])
def test_the_home_folder_may_be_written_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if by == "host":
        monkeypatch.setenv(VARIABLE, "~/vllm/bin/python")
    found = other_python("~/vllm/bin/python" if by == "config" else None)
    assert found == str(tmp_path / "vllm" / "bin" / "python")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to(sys.executable)
    assert other_python(str(tmp_path / "python")) == str(tmp_path / "python")


def test_variables_of_this_python_are_dropped_and_the_rest_stay() -> None:
    of_this = dict.fromkeys(("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"), "/here")
    others = {"HF_HOME": "/hf", "PYTHONUNBUFFERED": "1"}
    given = of_this | others
    assert in_environment_of("/vllm/bin/python", given) == others | {"PATH": "/vllm/bin"}
    assert given == of_this | others


def test_a_variable_that_is_to_be_kept_is_kept() -> None:
    given = {"PYTHONPATH": "/own", "VIRTUAL_ENV": "/here"}
    assert in_environment_of("python", given, keep=["PYTHONPATH"]) == {"PYTHONPATH": "/own"}


@pytest.mark.parametrize(
    ("python", "path", "expected"),
    [
        ("/vllm/bin/python", "/usr/bin:/bin", "/vllm/bin:/usr/bin:/bin"),
        ("/vllm/bin/python", "", "/vllm/bin"),
        ("python3", "/usr/bin", "/usr/bin"),
    ],
)
def test_its_programs_are_found_first(python: str, path: str, expected: str) -> None:
    assert in_environment_of(python, {"PATH": path})["PATH"] == expected


def test_another_environments_python_is_in_its_environment(tmp_path: Path) -> None:
    environment = tmp_path / "other"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    home = Path(getattr(sys, "_base_executable", sys.executable)).parent
    (environment / "pyvenv.cfg").write_text(f"home = {home}\n", encoding="utf-8")
    python = other_python(str(environment / "bin" / "python")) or ""
    done = subprocess.run(
        [python, "-c", "import sys; print(sys.prefix)"],
        env=in_environment_of(python, os.environ | {"PYTHONHOME": "/nowhere"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(environment)
