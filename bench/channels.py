"""What a worker can say a second: log lines to the run's log, events to whoever looks on; and the answer store."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from bench.figures import Figure, Goal, Spread
from bench.pipeline import Bench
from benchy.errors import ModelTestFailed
from benchy.protocol import ModelTest, Phase, Progress
from benchy.runs.log import RunLog
from benchy.worker.answers.keys import request_key
from benchy.worker.answers.store import AnswerStore
from tests.runtimes.programs import program

LINES = 500_000
EVENTS = 50_000
ANSWERS = 20_000

TALK = f"""
import sys
for number in range({LINES}):
    sys.stderr.write(f"2026-01-01 00:00:00,000 INFO somewhere: a log line of usual length, number {{number}}\\n")
"""
REPORT = f"""
import sys
from benchy.protocol import Progress, encode_event
sys.stdin.readline()
for done in range({EVENTS}):
    event = Progress(label="Running loglikelihood requests", done=done, total={EVENTS}, unit="it", rate=1234.5)
    sys.stdout.buffer.write(encode_event(event))
sys.stdout.buffer.write(b'{{"id": 1, "error": {{"kind": "ModelTestFailed", "message": "done"}}}}\\n')
"""


def log_lines(bench: Bench) -> Iterator[Figure]:
    """Through a worker's stderr, the host's reading thread and the run's log, into its file."""
    rates = [_rate(LINES, _write_lines) for _ in range(bench.pairs)]
    yield Figure("log lines", "1/s", Spread.of(rates), goal=Goal(10_000, "ours", at_least=True), note="each is kept")


def events(bench: Bench) -> Iterator[Figure]:
    """Through a worker's stdout, checked, to a watcher."""
    rates = [_rate(EVENTS, _send_events) for _ in range(bench.pairs)]
    yield Figure("progress events", "1/s", Spread.of(rates), note="a bar sends 5 a second at most")


def answer_store(bench: Bench) -> Iterator[Figure]:
    """Yield what keeping an answer costs, its key among it, by the size of the batch."""
    for size in (1, 16):
        seconds = [1e6 / _rate(ANSWERS, lambda: _keep_answers(size)) for _ in range(bench.pairs)]  # noqa: B023 - at once
        yield Figure(f"answer store, batches of {size}", "µs/answer", Spread.of(seconds), note="one write a batch")


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (log_lines, events, answer_store)


def _rate(count: int, work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _write_lines() -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = RunLog(Path(folder) / "run.log")
        with program(TALK, log.write) as worker:
            while worker.alive:
                time.sleep(0.005)
        log.close()
        with log.path.open("rb") as file:
            assert sum(1 for _ in file) == LINES


def _send_events() -> None:
    seen: list[Progress | Phase] = []
    with program(REPORT, lambda _lines: None) as worker, suppress(ModelTestFailed):  # the program's last line
        worker.request(ModelTest(), seen.append)
    assert len(seen) == EVENTS


def _keep_answers(size: int) -> None:
    context = "Question: which of these is an animal?\nAnswer:" * 10
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        with closing(AnswerStore(path, {"model": "bench"})) as store:
            for start in range(0, ANSWERS, size):
                numbers = range(start, start + size)
                store.keep([(request_key("loglikelihood", (context, f" {n}")), (-1.25, False)) for n in numbers])
