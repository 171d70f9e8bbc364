"""One trial: a real run, one signal at one moment, and what must hold afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchy.leaderboard.board import Board
from benchy.record import EvaluationResult, RunRecord, read_record
from tests.commands import REPOSITORY, benchy_command, isolated_environment, write_config
from tests.hub.server import LoopbackHub
from tests.kills.plan import Blow
from tests.kills.processes import MARK, Process, processes_of, send

SECONDS_TO_END = 60.0
"""After the cause is gone, over what an undisturbed run takes."""
SECONDS_TO_FOLLOW = 60.0
"""For what the run started, after the run itself is gone."""

Scores = tuple[object, ...]


@dataclass(frozen=True)
class Grounds:
    """What all trials share."""

    folder: Path
    home: Path
    """With Prefect's database, made once."""
    hub: LoopbackHub
    token: str
    scores: Scores = ()
    """Of an undisturbed run."""
    seconds: float = 600.0
    """Of that run."""


@dataclass(frozen=True)
class Outcome:
    """How a trial went."""

    blow: Blow
    hit: str
    """Whom the signal reached; empty if the run was over before."""
    code: int | None
    seconds: float
    """From the end of the cause to the end of the run."""
    problems: tuple[str, ...]

    def __str__(self) -> str:
        ended = f"exit {self.code} after {self.seconds:.1f} s"
        return f"{self.blow}; {self.hit or 'over before'}; {ended}; {'; '.join(self.problems) or 'well'}"


def run_undisturbed(grounds: Grounds) -> tuple[Scores, float]:
    """Return the scores, and the time that a run takes here."""
    started = time.monotonic()
    process = _start(grounds, "undisturbed", to_hub=True)
    assert process.wait(timeout=grounds.seconds) == 0, _said(grounds.folder / "undisturbed")
    (record,) = _records(grounds.folder / "undisturbed")
    return _scores(record), time.monotonic() - started


def strike(blow: Blow, grounds: Grounds) -> Outcome:
    """Run, send the signal, wait for the end, go on with what is left, look at everything."""
    name = f"trial-{blow.number}"
    folder = grounds.folder / name
    process = _start(grounds, name, to_hub=blow.to_hub)
    _wait_for_phase(blow, folder, process)
    hit = _send(blow, name, process.pid)
    gone = time.monotonic()
    problems = list(_wait_for_end(process, name, grounds))
    seconds = time.monotonic() - gone
    problems += _problems_of_end(folder, process.returncode)
    before = {record.run_name: record for record in _records(folder)}
    if not any(record.status == "published" for record in before.values()):
        resumed = _start(grounds, name, "--resume", to_hub=blow.to_hub)
        problems += _wait_for_end(resumed, name, grounds)
        if resumed.returncode:
            problems.append(f"the resumed run ended with {resumed.returncode}: {_said(folder)[-500:]}")
    problems += _problems_of_results(folder, grounds, before, to_hub=blow.to_hub)
    commands = ", ".join(f"{one.pid} {one.command.decode()[-40:]}" for one in hit)
    return Outcome(blow, commands, process.returncode, seconds, tuple(problems))


def _start(grounds: Grounds, name: str, *arguments: str, to_hub: bool) -> subprocess.Popen[bytes]:
    folder = grounds.folder / name
    folder.mkdir(exist_ok=True)
    board = f"hf://datasets/org/{name}" if to_hub else str(folder / "leaderboard")
    config = write_config(folder, upload={"to": board})
    isolated = {
        key: value for key, value in (os.environ | isolated_environment(grounds.home)).items() if value is not None
    }
    own = {**grounds.hub.environment(grounds.home / "hf"), "HF_UPLOAD_TOKEN": grounds.token, MARK: name}
    with (folder / "output.txt").open("ab") as output:
        return subprocess.Popen(
            benchy_command("run", config, *arguments),
            cwd=REPOSITORY,
            env=isolated | own,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_for_phase(blow: Blow, folder: Path, process: subprocess.Popen[bytes]) -> None:
    reached = _PHASES[blow.phase]
    while process.poll() is None and not reached(folder):
        time.sleep(0.01)
    time.sleep(blow.delay)


def _record(folder: Path) -> RunRecord | None:
    with suppress(OSError, ValueError, StopIteration):
        return read_record(next((folder / "outputs").iterdir()))
    return None


def _has(folder: Path, holds: Callable[[RunRecord], bool]) -> bool:
    record = _record(folder)
    return record is not None and holds(record)


_PHASES: dict[str, Callable[[Path], bool]] = {
    "starting": lambda _folder: True,
    "preparing": lambda folder: _record(folder) is not None,
    "testing": lambda folder: _has(folder, lambda record: record.environment is not None),
    "evaluating": lambda folder: any(folder.glob("outputs/*/worker/answers*.jsonl")),
    "uploading": lambda folder: _has(folder, lambda record: record.evaluation is not None),
    "leaving": lambda folder: _has(folder, lambda record: record.uploaded is not None),
}


def _send(blow: Blow, name: str, host: int) -> list[Process]:
    running = processes_of(name)
    if host not in {process.pid for process in running}:
        return []
    victims = _victims(blow, running, host)
    send(blow.signal, victims)
    if blow.signal == signal.SIGSTOP:
        time.sleep(blow.stopped)
        send(signal.SIGCONT, victims)
    return victims


def _victims(blow: Blow, running: list[Process], host: int) -> list[Process]:
    """Of those that this run has now; a worker or server that is not there yet, or no more, is any child."""
    children = [process for process in running if process.pid != host]
    match blow.victim:
        case "all":
            return running
        case "host":
            return [process for process in running if process.pid == host]
        case "worker" | "server" as wanted:
            module = b"benchy.worker" if wanted == "worker" else b"embedded_server"
            if named := [process for process in children if module in process.command]:
                return named[:1]
    return [children[int(blow.choice * len(children))]] if children else running


def _wait_for_end(process: subprocess.Popen[bytes], name: str, grounds: Grounds) -> Iterator[str]:
    try:
        process.wait(timeout=2 * grounds.seconds + SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        yield f"hung: {[one.command.decode()[-60:] for one in processes_of(name)]}"
    deadline = time.monotonic() + SECONDS_TO_FOLLOW
    while (left := processes_of(name)) and time.monotonic() < deadline and process.poll() is not None:
        time.sleep(0.1)
    if left:
        yield f"left behind: {[one.command.decode()[-60:] for one in left]}"
        send(signal.SIGKILL, left)
    process.wait()


def _problems_of_end(folder: Path, code: int) -> Iterator[str]:
    said = _said(folder)
    failure = said[said.find("❌") :] if "❌" in said else ""
    if "this is a bug" in said or "Traceback" in failure:  # a worker's own words may hold one
        yield f"a bug message: {failure[-500:]}"
    unreadable = [path for path in folder.glob("outputs/*") if not _is_readable(path)]
    if unreadable:
        yield f"lost: {unreadable} cannot be read"
    for record in _records(folder):
        if record.uploaded is not None and record.status != "published":
            yield f"published, but called {record.status}"
        if code == 0 and record.status != "published":
            yield f"exit 0, but {record.status}"


def _problems_of_results(
    folder: Path, grounds: Grounds, before: dict[str, RunRecord], *, to_hub: bool
) -> Iterator[str]:
    published = [record for record in _records(folder) if record.status == "published"]
    if len(published) != 1:
        yield f"lost: {len(published)} runs are published"
    for record in published:
        if _scores(record) != grounds.scores:
            yield f"changed: {_scores(record)}"
        earlier = before.get(record.run_name)
        if earlier and earlier.evaluation and earlier.evaluation != record.evaluation:
            yield "lost: what was evaluated was evaluated again"
    shown = _shown_on_hub(grounds, folder.name) if to_hub else _shown_in(folder / "leaderboard")
    if shown != sorted(record.run_name for record in published):
        yield f"lost: the leaderboard shows {shown}"


def _shown_in(board: Path) -> list[str]:
    shown = board / "leaderboard.json"
    return sorted(Board.model_validate_json(shown.read_bytes()).runs) if shown.exists() else []


def _shown_on_hub(grounds: Grounds, name: str) -> list[str]:
    repository = grounds.hub.repositories.get(("dataset", f"org/{name}"))
    files = repository.files() if repository else {}
    return sorted(path.split("/")[1] for path in files if path.startswith("records/") and path.endswith("/record.json"))


def _is_readable(folder: Path) -> bool:
    try:
        read_record(folder)
    except (OSError, ValueError):
        return False
    return True


def _records(folder: Path) -> list[RunRecord]:
    return [read_record(path) for path in sorted(folder.glob("outputs/*")) if _is_readable(path)]


def _scores(record: RunRecord) -> Scores:
    evaluation = record.evaluation
    assert isinstance(evaluation, EvaluationResult)
    return tuple((part.name, part.metrics) for part in evaluation.benchmarks)


def _said(folder: Path) -> str:
    return (folder / "output.txt").read_text("utf-8", errors="replace")
