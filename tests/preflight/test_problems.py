"""All that is wrong with a config is told at once: a missing token hid a missing model."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchy.errors import AccessDenied, BenchyError, ConfigError, ModelNotFound, NetworkError
from benchy.preflight.problems import Problems
from tests.commands import benchy, write_config
from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def test_check_tells_of_a_missing_token_and_of_a_missing_model(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    config = hub_config(tmp_path, "org/nowhere", upload={"to": "hf://datasets/org/board"})
    done = benchy_on(loopback_hub, tmp_path, "check", config)
    assert done.returncode == AccessDenied.exit_code
    first, remedy, second, *_ = done.stderr.splitlines()
    assert first.startswith("❌ AccessDenied: no token to write to hf://datasets/org/board")
    assert remedy.startswith("  → set HF_UPLOAD_TOKEN")
    assert second.startswith("  also ModelNotFound: the Hub shows no model org/nowhere")


def test_a_run_tells_of_a_wrong_task_and_of_a_wrong_model(tmp_path: Path) -> None:
    config = write_config(tmp_path, model={"name": "./nowhere"}, evaluation={"tasks": "no_such_task"})
    done = benchy("run", config, cwd=tmp_path)
    assert done.returncode == 3
    assert 'TaskNotFound: lm-eval knows no task "no_such_task"' in done.stderr
    assert '  also ModelNotFound: no folder "./nowhere"' in done.stderr


def refuse(error: BenchyError) -> None:
    raise error


def test_without_a_network_no_further_check_waits_for_it() -> None:
    problems = Problems()
    assert problems.tried(refuse, ConfigError("one")) is None
    with pytest.raises(ConfigError, match="one") as caught:
        problems.tried(refuse, NetworkError("two"))
    assert "also NetworkError: two" in caught.value.__notes__


def test_what_is_told_of_many_problems_stays_short() -> None:
    problems = Problems()
    for number in range(50):
        problems.tried(refuse, ModelNotFound(f"{number} " + "word " * 100, hint="do " * 100))
    with pytest.raises(ModelNotFound) as caught:
        problems.raise_all()
    assert len("\n".join([caught.value.message, *caught.value.__notes__])) < 2000


def test_a_check_that_refuses_nothing_gives_its_result() -> None:
    problems = Problems()
    assert problems.tried(len, "four") == 4
    assert not problems
    problems.raise_all()
