"""Plans a suite and runs its cells, each as a `benchy run` of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchy.config.suite import Cell, Suite
from benchy.errors import BenchyError
from benchy.preflight.checks import preflight
from benchy.record import Facts
from benchy.runs.done import find_done, listed_for
from benchy.runs.listing import ListedRun
from benchy.runs.signals import PARENT

SECONDS_TO_END = 5.0
"""After Ctrl-C a run has so long to end by itself."""
_REFUSED = re.compile(r"^❌ (.*(?:\n  → .*)*)", re.MULTILINE)
"""How a command says what ended it."""


@dataclass(frozen=True)
class PlannedCell:
    """What is known of a cell before anything is started."""

    cell: Cell
    facts: Facts | None = None
    """None if it was refused."""
    error: BenchyError | None = None
    """Why it was refused."""
    done: ListedRun | None = None
    """The run that is there already."""


@dataclass(frozen=True)
class EndedCell:
    """How a cell ended."""

    cell: Cell
    run: ListedRun | None
    """None if it failed, or was refused."""
    problem: str = ""
    """Why it is not there, in the words of the run's own end."""
    seconds: float = 0.0


def plan(suite: Suite, *, again: bool = False) -> Iterator[PlannedCell]:
    """Check each cell as its run would; one that is refused refuses itself alone.

    Args:
        suite: what to run.
        again: whether cells that are done are run again.
    """
    runs: dict[str, list[ListedRun]] = {}
    for cell in suite.cells:
        outputs = cell.config.evaluation.output_path
        if outputs not in runs:
            runs[outputs] = listed_for(cell.config)
        try:
            facts = preflight(cell.config)
            yield PlannedCell(cell, facts, done=None if again else find_done(cell.config, facts, runs[outputs]))
        except BenchyError as error:
            yield PlannedCell(cell, error=error)


def run_cells(
    planned: Sequence[PlannedCell], folder: Path, *, at_once: int, say: Callable[[str], None]
) -> Iterator[EndedCell]:
    """Run what is neither done nor refused; yield each cell as it ends, those that need no run first.

    Args:
        planned: the cells.
        folder: gets the config and the output of each run.
        at_once: how many runs at the same time, at most.
        say: gets a line for each run that begins.

    Raises:
        KeyboardInterrupt: as it came; every run was ended before.
    """
    for plan in planned:
        if plan.done or plan.error:
            problem = f"{type(plan.error).__name__}: {plan.error.message}" if plan.error else ""
            yield EndedCell(plan.cell, plan.done, problem)
    folder.mkdir(parents=True, exist_ok=True)
    running = _Running()
    pool = ThreadPoolExecutor(at_once)
    try:
        waiting = [
            pool.submit(running.run, plan.cell, plan.facts, folder / f"{number:04d}", say)
            for number, plan in enumerate(planned, 1)
            if plan.facts is not None and plan.done is None
        ]
        for ended in as_completed(waiting):
            yield ended.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        running.end()


class _Running:
    """The runs of this moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_ending = False

    def run(self, cell: Cell, facts: Facts, place: Path, say: Callable[[str], None]) -> EndedCell:
        """Run a cell to its end."""
        config, output = place.with_suffix(".yaml"), place.with_suffix(".txt")
        config.write_text(yaml.safe_dump(cell.config.model_dump(mode="json"), allow_unicode=True), encoding="utf-8")
        say(f"{cell.model} on {cell.benchmark}: begins; {output} has its output")
        started = time.monotonic()
        with output.open("wb") as out:
            code = self._wait_for([sys.executable, "-P", "-m", "benchy", "run", str(config), "--resume"], out.fileno())
        seconds = time.monotonic() - started
        run = find_done(cell.config, facts) if code == 0 else None
        problem = "" if run else _last_words(output) or f"it ended with exit code {code}; see {output}"
        return EndedCell(cell, run, problem, seconds)

    def _wait_for(self, command: list[str], output: int) -> int:
        with self._lock:
            if self._is_ending:
                return 130
            process = subprocess.Popen(  # a session of its own: Ctrl-C reaches it through us alone
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {PARENT: str(os.getpid())},
            )
            self._processes.add(process)
        code = process.wait()
        with self._lock:
            self._processes.discard(process)
        return code

    def end(self) -> None:
        """End what runs: as Ctrl-C does, and after :data:`SECONDS_TO_END` for good."""
        with self._lock:
            self._is_ending = True
            processes = tuple(self._processes)
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        until = time.monotonic() + SECONDS_TO_END
        for process in processes:
            try:
                process.wait(max(until - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _last_words(output: Path) -> str:
    found = _REFUSED.findall(output.read_text("utf-8", errors="replace"))
    return str(found[-1]) if found else ""
