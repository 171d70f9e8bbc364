"""Kills runs and fills the memory, then looks whether the GPU is free and the run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.commands import benchy, environment
from bench.gpu.answers import compare_answers, read_answers
from bench.gpu.runs import Work, read_record
from bench.gpu.work import BENCHMARKS, Size
from bench.pipeline import Bench

SECONDS = 90.0
"""A run has to answer its first requests within so many."""


def out_of_memory(bench: Bench, size: Size, model: Path, tasks: Path) -> Iterator[str]:
    """Yield a batch that no GPU holds: it is halved until it fits, or the error has a name."""
    work = Work(model, "gpu_letters", tasks, size.shape.device, 100_000, size.shape.dtype)
    command = benchy("run", str(work.config(bench.folder / "oom", model={"backend": "hf-stock"})))
    ended = subprocess.run(command, env=environment(bench.folder), capture_output=True, text=True, check=False)
    said = [line for line in ended.stderr.splitlines() if line.strip()][-4:]
    yield f"exit code {ended.returncode}: {' / '.join(said)[:600]}"
    yield held()


def killed(bench: Bench, size: Size, model: Path, tasks: Path) -> Iterator[str]:
    """``kill -9`` of the host in the middle of an evaluation, and of the worker in another; then ``--resume``."""
    work = Work(model, BENCHMARKS, tasks, size.shape.device, size.batch, size.shape.dtype)
    folder = bench.folder / "killed"
    config = work.config(folder)
    running = _start(bench, config)
    _wait_for_answers(folder)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(5)
    yield f"5 s after kill -9 of the host: {held()}"
    used = bench.run(benchy("run", str(config), "--resume"), environment(bench.folder))
    record = read_record(folder)
    again = record["evaluation"]["resumed_requests"]
    yield f"--resume: {again:,} of {record['evaluation']['requests']:,} answers were there, {used.wall_seconds:.0f} s"
    uncut = read_answers(bench.folder / "large-hf" / "outputs")
    yield f"beside the run that was not cut: {compare_answers(read_answers(folder / 'outputs'), uncut)}"


def interrupted(bench: Bench, size: Size, model: Path, tasks: Path) -> Iterator[str]:
    """Ctrl-C in the middle."""
    work = Work(model, BENCHMARKS, tasks, size.shape.device, size.batch, size.shape.dtype)
    folder = bench.folder / "interrupted"
    running = _start(bench, work.config(folder))
    _wait_for_answers(folder)
    started = time.monotonic()
    running.send_signal(signal.SIGINT)
    yield f"exit code {running.wait()} after {time.monotonic() - started:.1f} s; {held()}"


def held() -> str:
    """Say which processes hold a GPU, as nvidia-smi tells."""
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader"]
    used = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader"]
    try:
        holders, memory = (_said(command) for command in (query, used))
    except (OSError, subprocess.CalledProcessError):
        return "no nvidia-smi here"
    others = [line for line in holders.splitlines() if line.partition(",")[0] != str(os.getpid())]
    return f"{len(others)} other processes hold the GPU ({memory.strip()} used)"


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _start(bench: Bench, config: Path) -> subprocess.Popen[bytes]:
    with bench.log.open("ab") as log:
        return subprocess.Popen(
            benchy("run", str(config)), env=environment(bench.folder), stdout=log, stderr=log, start_new_session=True
        )


def _wait_for_answers(folder: Path) -> None:
    """Wait until some answers are kept.

    Raises:
        RuntimeError: none came.
    """
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if any(path.stat().st_size > 0 for path in folder.glob("outputs/**/answers*.jsonl")):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answers were kept within {SECONDS:.0f} s")
