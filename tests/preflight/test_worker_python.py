"""A worker's own Python: real interpreters and environments, and what is said of the wrong ones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchy.errors import ConfigError, ModelLoadError, WrongVersion
from benchy.preflight.worker_python import check_worker_python
from tests.commands import REPOSITORY, assert_refused, benchy, only_record, reach_demo, write_config
from tests.runtimes.test_process import config


def make_environment(folder: Path, *, benchy_at: Path | None) -> Path:
    """Return a real virtual environment with the packages of this one; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "more.pth").write_text("\n".join(map(str, filter(None, (benchy_at, _packages(folder.parent))))) + "\n")
    return folder / "bin" / "python"


def _packages(folder: Path) -> Path:
    """Return this environment's packages without the editable install of Benchy."""
    linked = folder / "packages"
    if not linked.exists():
        linked.mkdir()
        for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if "benchy" not in path.name and path.suffix != ".pth":
                (linked / path.name).symlink_to(path)
    return linked


def program(path: Path, text: str) -> Path:
    """Return a program that somebody might name by mistake."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with this Benchy."""
    return make_environment(tmp_path_factory.mktemp("other") / "env", benchy_at=REPOSITORY)


@pytest.mark.parametrize("by", ["config", "variable"])
def test_a_run_in_another_environment(other: Path, tmp_path: Path, by: str) -> None:
    noted = program(tmp_path / "python", f'#!/bin/sh\necho "$@" >> {tmp_path}/started\nexec {other} "$@"\n')
    reach_demo(tmp_path)
    evaluation = {"tasks": "demo_animals", "limit": 4}
    if by == "variable":
        settings = write_config(tmp_path, evaluation=evaluation)
        done = benchy("run", settings, cwd=tmp_path, BENCHY_WORKER_PYTHON=str(noted))
    else:
        settings = write_config(tmp_path, evaluation=evaluation, worker={"python": str(noted)})
        done = benchy("run", settings, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    # the model's worker, and not the one that publishes
    assert (tmp_path / "started").read_text(encoding="utf-8").count("-m benchy.worker") == 1
    assert only_record(tmp_path).status == "published"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, 'there is no program "', id="missing"),
        pytest.param("#!/bin/sh\necho hello\n", "is no Python that works", id="no Python"),
        pytest.param("#!/bin/sh\necho broken >&2\nexit 3\n", "is no Python that works (broken)", id="broken"),
        pytest.param("#!/nowhere\n", "is no Python that works", id="not startable"),
        pytest.param(
            "#!/bin/sh\necho '{\"python\": [3, 8, 10]}'\n", "is Python 3.8.10, and Benchy needs 3.11", id="old"
        ),
    ],
)
def test_what_is_no_python_for_a_worker_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    named = tmp_path / "its" / "python"
    named.parent.mkdir()
    if text is not None:
        program(named, text)
    with pytest.raises(ConfigError, match=rf"worker\.python: .*{re.escape(said)}") as refused:
        check_worker_python(config(worker={"python": str(named)}))
    assert refused.value.hint


def test_check_refuses_what_the_variable_names(tmp_path: Path) -> None:
    done = benchy("check", write_config(tmp_path), cwd=tmp_path, BENCHY_WORKER_PYTHON="nowhere/python")
    assert_refused(done, 2, "ConfigError", "BENCHY_WORKER_PYTHON: there is no program", "make vllm")


def test_an_environment_without_what_a_worker_needs(tmp_path: Path, at_repository: Path) -> None:
    assert (at_repository / "benchy").is_dir()  # in the current folder, where a worker does not look
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(ConfigError, match="lacks benchy, torch, transformers, lm_eval") as refused:
        check_worker_python(config(worker={"python": str(python)}))
    assert f"{python} -m pip install" in refused.value.hint


def test_an_environment_without_benchy_alone(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", benchy_at=None)
    with pytest.raises(ConfigError, match=r"lacks benchy\n"):
        check_worker_python(config(worker={"python": str(python)}))


def test_another_benchy_is_named_with_its_version(tmp_path: Path) -> None:
    copy = tmp_path / "old"
    shutil.copytree(REPOSITORY / "benchy", copy / "benchy")
    version = copy / "benchy" / "__init__.py"
    version.write_text(version.read_text(encoding="utf-8").replace('"0.', '"9.'), encoding="utf-8")
    python = make_environment(tmp_path / "env", benchy_at=copy)
    with pytest.raises(WrongVersion, match=r"has Benchy 9\.\d\.\d \(protocol \d+\)") as refused:
        check_worker_python(config(worker={"python": str(python)}))
    assert str(python) in refused.value.hint


def test_another_harness_is_refused_since_its_scores_differ(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", benchy_at=REPOSITORY)
    info = next(python.parents[1].glob("lib/python*/site-packages")) / "lm_eval-0.4.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lm_eval\nVersion: 0.4.2\n", encoding="utf-8")
    with pytest.raises(WrongVersion, match=r"has lm_eval 0\.4\.2, .* scores would differ"):
        check_worker_python(config(worker={"python": str(python)}))


def test_a_back_end_that_the_environment_lacks(other: Path) -> None:
    with pytest.raises(ModelLoadError, match=r'the back end "vllm" needs vllm 0\.32, .* does not have it') as refused:
        check_worker_python(config(worker={"python": str(other)}, model={"name": "a/b", "backend": "vllm"}))
    assert "make vllm" in refused.value.hint


def test_a_container_has_its_images_python() -> None:
    with pytest.raises(ConfigError, match=r'"worker\.python" is for "runtime: process"'):
        config(worker={"python": sys.executable}, runtime="docker")


def test_a_relative_path_leads_to_the_environment_and_not_to_the_python_that_it_links_to(
    other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert other.is_symlink()
    monkeypatch.chdir(tmp_path)
    assert check_worker_python(config(worker={"python": os.path.relpath(other, tmp_path)}))


def test_without_a_word_the_worker_is_of_this_python() -> None:
    assert not check_worker_python(config())
