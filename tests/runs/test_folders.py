"""A run has a folder of its own with its first record, and one that may go on is found again."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from benchy import __version__
from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError
from benchy.record import RECORD_FILE, Facts, RunRecord, read_record, write_record
from benchy.runs.folders import (
    Found,
    find_cut_short,
    find_of_flow_run,
    lock_of,
    log_path,
    make_run_folder,
    new_run_name,
    save_record,
)
from benchy.runs.log import RunLog
from tests.records import make_record

FLOW_RUN = "0123456789abcdef"


def configured(folder: Path, name: str = "org/alpha", **sections: Any) -> BenchmarkConfig:
    """Return a config with all output in a folder."""
    data: dict[str, Any] = {
        "model": {"name": name},
        "evaluation": {"tasks": "t", "output_path": str(folder / "outputs")},
        "logging": {"log_dir": str(folder / "logs")},
    }
    for section, changes in sections.items():
        data[section] = data.get(section, {}) | changes
    return parse_config(data, source="test")


@pytest.mark.parametrize(
    ("name", "limit", "begins"),
    [
        ("org/alpha-7.1B", None, "org-alpha-7.1B_"),
        ("gpt2", 10, "TEST_gpt2_"),
        ("/home/ada/models/m", None, "m_"),
        ("a b_ü", None, "a-b_"),
        ("ü", None, "model_"),
        ("x" * 300, None, f"{'x' * 100}_"),
    ],
)
def test_a_run_is_called_by_its_model_and_time(tmp_path: Path, name: str, limit: int | None, begins: str) -> None:
    run_name = new_run_name(configured(tmp_path, name, evaluation={"limit": limit}), FLOW_RUN)
    assert re.fullmatch(rf"{re.escape(begins)}\d{{8}}-\d{{6}}_01234567", run_name)


@pytest.mark.parametrize("flow_run_id", [None, FLOW_RUN])
def test_a_new_run_has_its_folder_its_record_and_its_log(tmp_path: Path, flow_run_id: str | None) -> None:
    config = configured(tmp_path)
    folder, record = make_run_folder(config, Facts(commit="c0ffee"), "process", flow_run_id)
    assert read_record(folder) == record.model_copy(update={"seal": read_record(folder).seal})
    assert folder == tmp_path / "outputs" / record.run_name
    assert (record.status, record.is_test, record.config, record.runtime) == ("started", False, config, "process")
    assert (record.benchy_version, record.facts.commit, record.flow_run_id) == (__version__, "c0ffee", flow_run_id)
    assert record.run_id == flow_run_id or flow_run_id is None
    assert Path(record.log_file).read_bytes() == b""
    assert re.fullmatch(r"benchy_org-alpha_\d{8}-\d{6}-\d{6}\.log", Path(record.log_file).name)


@pytest.mark.parametrize("place", ["outputs", "logs"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        make_run_folder(configured(tmp_path), Facts(), "process", None)
    assert refused.value.message.startswith(f"cannot write to {tmp_path / place}")
    assert refused.value.hint == "set evaluation.output_path and logging.log_dir to folders that can be written"


def test_the_run_of_a_flow_run_is_found_again(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert find_of_flow_run(config, FLOW_RUN) == Found()
    folder, _ = make_run_folder(config, Facts(), "process", FLOW_RUN)
    make_run_folder(configured(tmp_path, "org/beta"), Facts(), "process", FLOW_RUN[:8] + "another")
    found = find_of_flow_run(config, FLOW_RUN)
    assert found.run is not None
    assert (found.run.path, found.run.record.run_id, found.problems) == (folder, FLOW_RUN, ())
    assert find_of_flow_run(configured(tmp_path, model={"dtype": "float16"}), FLOW_RUN) == Found()


def cut_short(config: BenchmarkConfig, run_id: str, *, seconds: int = 0) -> tuple[Path, RunRecord]:
    """Return a run that kept answers, as old as it says."""
    folder, record = make_run_folder(config, Facts(), "process", run_id)
    (folder / "worker").mkdir()
    (folder / "worker" / "answers.jsonl").touch()
    os.utime(folder, (seconds, seconds))
    return folder, record


def test_the_newest_run_with_answers_is_gone_on_with(tmp_path: Path) -> None:
    config = configured(tmp_path)
    cut_short(config, "old", seconds=1)
    newest, _ = cut_short(config, "new", seconds=2)
    make_run_folder(config, Facts(), "process", "without-answers")
    found = find_cut_short(config)
    assert found.run is not None
    assert (found.run.path, found.problems) == (newest, ())


def test_a_run_that_is_open_elsewhere_is_left_alone(tmp_path: Path) -> None:
    config = configured(tmp_path)
    older, _ = cut_short(config, "old", seconds=1)
    newer, _ = cut_short(config, "new", seconds=2)
    with lock_of(newer):
        found = find_cut_short(config)
    assert found.run is not None
    assert found.run.path == older


@pytest.mark.parametrize(
    ("config", "is_found"),
    [({"evaluation": {"batch_size": 8}}, True), ({"evaluation": {"num_fewshot": 5}}, False)],
)
def test_a_config_that_asks_something_else_is_of_another_run(
    tmp_path: Path, config: dict[str, Any], is_found: bool
) -> None:
    cut_short(configured(tmp_path), "one")
    found = find_cut_short(configured(tmp_path, **config))
    assert (found.run is not None) is is_found
    if found.run is not None:
        assert found.run.record.config.evaluation.batch_size == 8


def test_an_evaluated_run_waits_to_be_published(tmp_path: Path) -> None:
    base = make_record().config
    record = make_record(run_name="run", config=configured(tmp_path, upload={"to": str(tmp_path / "board")}))
    folder = tmp_path / "outputs" / "run"
    folder.mkdir(parents=True)
    write_record(record, folder)
    assert record.config != base
    found = find_cut_short(record.config)
    assert found.run is not None
    assert found.run.path == folder
    assert find_cut_short(record.config.published_to(None, None)) == Found()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"run_name": "another"}, "it is not the one that Benchy wrote for this folder"),
        ({"status": "odd"}, "status: "),
        (None, "it: Invalid JSON"),
    ],
)
def test_a_record_that_is_not_benchys_own_is_named_and_not_gone_on_with(
    tmp_path: Path, change: dict[str, str] | None, said: str
) -> None:
    config = configured(tmp_path)
    folder, _ = cut_short(config, "one")
    text = json.dumps(json.loads((folder / RECORD_FILE).read_bytes()) | change) if change else "{"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")
    found = find_cut_short(config)
    assert found.run is None
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{folder / RECORD_FILE} cannot be read: {said}")


def test_a_record_is_saved_or_the_reason_is_said(tmp_path: Path) -> None:
    save_record(make_record(run_name="run"), tmp_path)
    assert read_record(tmp_path).run_name == "run"
    with pytest.raises(FileNotFoundError):
        save_record(make_record(), tmp_path / "nowhere")


@pytest.mark.parametrize("forged", ["/etc/cron.d/x", "../../home/.bashrc", "logs/benchy_m.log\n", "benchy_/x"])
def test_a_resumed_run_logs_where_the_config_says(forged: str) -> None:
    record = make_record(log_file=forged)
    path = log_path(record.config, record)
    assert path.parent == Path(record.config.logging.log_dir)
    assert path.name.startswith("benchy_org-alpha_")
    assert log_path(record.config, make_record(log_file="logs/benchy_m.log")) == Path("logs/benchy_m.log")


def test_a_log_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "run.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        RunLog(tmp_path / "run.log")
    assert not (tmp_path / "elsewhere").exists()
