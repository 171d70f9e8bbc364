"""Which files `benchy serve` serves; each of the others stopped all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.config.folder import look_into
from benchy.errors import ConfigError

GOOD = "model: {name: m}\nevaluation: {tasks: a}\n"


def test_wrong_files_are_named_and_the_others_served(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "a&b.yaml", "50%.yaml", "a.yml", "notes.txt", "c.yaml~"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("model: [", encoding="utf-8")
    (tmp_path / "dir.yaml").mkdir()
    (tmp_path / ".#a.yaml").symlink_to("ada@host.1234")
    found = look_into(tmp_path)
    assert {name: path.name for name, path in found.configs.items()} == {"a": "a.yaml", "b": "b.yml"}
    assert {path.name for path in found.refused} == {"a&b.yaml", "50%.yaml", "a.yml", "wrong.yaml"}
    assert 'may not hold "&"; rename the file' in found.refused[tmp_path / "a&b.yaml"]
    assert "not valid YAML" in found.refused[tmp_path / "wrong.yaml"]


def test_a_mended_file_is_served(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: [", encoding="utf-8")
    assert look_into(tmp_path).configs == {}
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    assert look_into(tmp_path).configs == {"a": tmp_path / "a.yaml"}


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        look_into(tmp_path / "none")
