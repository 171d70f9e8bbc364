"""`benchy serve` names each file that it cannot serve, and ends where there is none that it can."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import assert_refused, benchy, write_config


def test_its_help_says_how_deployments_are_called(tmp_path: Path) -> None:
    done = benchy("serve", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "benchy/<the file's>" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], 'no folder "configs"'),
        (["file.yaml"], 'no folder "file.yaml"'),
        (["empty"], 'no YAML file in "empty" can be served'),
    ],
)
def test_a_folder_without_configs_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden.yaml").touch()
    write_config(tmp_path, "file.yaml")
    assert_refused(benchy("serve", *arguments, cwd=tmp_path), 2, "ConfigError", said)


def test_every_wrong_file_is_named_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    write_config(tmp_path / "configs", "a.yaml", evaluation={"batchsize": 4})
    (tmp_path / "configs" / "b.yml").write_text("model: [", encoding="utf-8")
    write_config(tmp_path / "configs", "c%d.yaml")
    done = benchy("serve", cwd=tmp_path)
    assert_refused(done, 2, "ConfigError", 'no YAML file in "configs" can be served', "name the folder of your configs")
    warned = [line for line in done.stderr.splitlines() if line.startswith("⚠️ not served: configs/")]
    assert len(warned) == 3
    assert 'did you mean "evaluation.batch_size"?' in warned[0]
    assert "not valid YAML" in warned[1]
    assert 'a deployment\'s name may not hold "%"; rename the file' in warned[2]
