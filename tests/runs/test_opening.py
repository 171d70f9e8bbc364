"""A run whose evaluation was cut short goes on: a retried step by itself, a new command with ``resume``."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config, with_overrides
from benchy.errors import WorkerDied
from benchy.record import ANSWERS_FILES, Facts, read_record
from benchy.runs.opening import find_open_run, open_run
from benchy.runs.run import Run
from tests.worker.tiny import FORWARD_LOG, write_logged_model, write_tasks


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BenchmarkConfig:
    """Return an evaluation of a second or two, of which the model logs every prompt."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv(FORWARD_LOG, str(tmp_path / "forward.log"))
    (tmp_path / "forward.log").touch()
    sections: dict[str, Any] = {
        "model": {"name": str(write_logged_model(tmp_path / "model")), "trust_remote_code": True},
        "evaluation": {
            "tasks": "tiny",
            "device": "cpu",
            "include_path": str(write_tasks(tmp_path / "tasks")),
            "output_path": str(tmp_path / "outputs"),
        },
        "logging": {"log_dir": str(tmp_path / "logs")},
        "environment": [FORWARD_LOG],
    }
    return parse_config(sections, source="test")


def evaluate_and_be_killed(run: Run, log: Path) -> None:
    """Evaluate until the worker dies, after some 20 prompts."""
    run.model_test()
    before = log.read_bytes().count(b"\n")

    def kill(_event: object) -> None:
        while log.read_bytes().count(b"\n") < before + 20:
            time.sleep(0.001)
        assert run._worker is not None
        os.kill(run._worker._transport.pid, signal.SIGKILL)  # type: ignore[attr-defined]

    class Killer:
        on_event = staticmethod(kill)

    run.watchers.append(Killer())
    with pytest.raises(WorkerDied):
        run.evaluation()
    run.watchers.pop()


def test_a_killed_evaluation_goes_on_when_it_is_retried_and_leaves_no_answers(
    config: BenchmarkConfig, tmp_path: Path
) -> None:
    with open_run(config, Facts()) as run:
        evaluate_and_be_killed(run, tmp_path / "forward.log")
        assert list(run.folder.glob(ANSWERS_FILES))
        result = run.evaluation()
    assert 15 < result.resumed_requests < result.requests
    assert not list(run.folder.glob(ANSWERS_FILES))
    assert read_record(run.folder).evaluation == result


def test_resume_goes_on_with_the_newest_run_that_was_cut_short(config: BenchmarkConfig, tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), open_run(config, Facts()) as cut_short:
        evaluate_and_be_killed(cut_short, tmp_path / "forward.log")
        raise KeyboardInterrupt
    assert read_record(cut_short.folder).status == "interrupted"

    with open_run(config, Facts()) as other:
        assert other.folder != cut_short.folder, "nobody asked for it"
    changed = with_overrides(config, limit=5)
    with open_run(changed, Facts(), resume=True) as other:
        assert other.folder != cut_short.folder, "another config"

    with open_run(config, Facts(), resume=True) as resumed:
        assert resumed.folder == cut_short.folder
        with open_run(config, Facts(), resume=True) as other:
            assert other.folder != cut_short.folder, "it is going on already"
        result = resumed.evaluation()
    assert result.resumed_requests > 15
    record = read_record(resumed.folder)
    assert (record.status, record.error) == ("evaluated", None)

    with open_run(config, Facts(), resume=True) as anew:
        assert anew.folder != cut_short.folder, "it came to its end"


def test_runs_are_open_side_by_side_and_found_by_name(config: BenchmarkConfig) -> None:
    """A process-wide current run gave a step of the first one the record of the second."""
    with open_run(config, Facts()) as first:
        with open_run(config, Facts()) as second:
            assert first.folder != second.folder
            assert find_open_run(first.name) is first
            assert find_open_run(second.name) is second
            tested = first.model_test()
            assert (first.record.model_test, second.record.model_test) == (tested, None)
        assert find_open_run(second.name) is None
        assert find_open_run(first.name) is first
    assert find_open_run(first.name) is None
