"""A worker that takes too long is ended, with the name of the limit."""

from __future__ import annotations

import time

import pytest

from benchy.config import PerformanceConfig
from benchy.errors import BenchyError, LoadTimeout, PromptTimeout, RunTimeout
from benchy.protocol import ModelTest, Phase, encode_event, encode_hello
from benchy.runtimes.time_limits import TimeLimits
from tests.runtimes.programs import program
from tests.runtimes.test_client import ignore, ignore_log

FLOOD = "[print(line, flush=True) for _ in iter(int, 1) for line in [{line!r}]]"


@pytest.mark.parametrize(
    ("phase", "limit", "error"),
    [
        ("load", "load_timeout", LoadTimeout),
        ("generate", "prompt_timeout", PromptTimeout),
        ("x", "run_timeout", RunTimeout),
    ],
)
def test_each_limit_has_its_error_and_ends_the_worker(phase: str, limit: str, error: type[BenchyError]) -> None:
    said = (encode_hello() + encode_event(Phase(name=phase))).decode()
    limits = TimeLimits(PerformanceConfig.model_validate({limit: 1.0}))
    code = f"import time; print({said!r}, end='', flush=True); time.sleep(600)"
    with program(code, ignore_log) as started, pytest.raises(error) as failed:
        started.request(ModelTest(), ignore, limits)
    assert f"performance.{limit}" in failed.value.hint
    assert not failed.value.transient


def test_a_worker_that_talks_all_the_time_is_ended_too() -> None:
    line = encode_event(Phase(name="load")).decode().strip()
    code = f"print({encode_hello().decode()!r}, end='')\n" + FLOOD.format(line=line)
    limits = TimeLimits(PerformanceConfig(run_timeout=1.0))
    began = time.monotonic()
    with program(code, ignore_log) as started, pytest.raises(RunTimeout):
        started.request(ModelTest(), ignore, limits)
    assert time.monotonic() - began < 60


def test_a_phase_ends_with_the_next_one_and_with_the_answer() -> None:
    now = 0.0
    limits = TimeLimits(PerformanceConfig(load_timeout=10, prompt_timeout=5, run_timeout=100), clock=lambda: now)
    assert limits.seconds_left() == 100
    limits.on_event(Phase(name="load"))
    assert limits.seconds_left() == 10
    now = 3
    limits.on_event(Phase(name="generate"))
    assert limits.seconds_left() == 5
    limits.end_phase()
    assert limits.seconds_left() == 97
