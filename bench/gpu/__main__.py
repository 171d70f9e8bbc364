"""``python -m bench.gpu [--seconds N] [--write]``: measures on the GPU, or rehearses on the CPU where there is none."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from bench.figures import Figure, Machine
from bench.gpu.crashes import interrupted, killed, out_of_memory
from bench.gpu.memory import memory
from bench.gpu.precision import precision
from bench.gpu.runs import demo, large
from bench.gpu.work import Size, make_benchmarks, make_model, size_here
from bench.log_likelihoods import log_likelihoods_of
from bench.pipeline import Bench
from bench.results import as_markdown

RESULTS = Path(__file__).parents[1] / "GPU.md"
HEAD = "# On a GPU\n\nWritten by `python -m bench.gpu --write`; do not edit figures by hand.\n"


def main() -> None:
    """Measure, and print and write each part as it comes."""
    options = _options()
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}  # all is made here, and no Hub may be near
    size, started = size_here(), time.monotonic()
    text = [HEAD, f"{_card()}. {Machine.here()}"]
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as folder:
        bench = Bench(Path(folder), pairs=options.pairs)
        for title, part in _parts(bench, size):
            if options.only and not any(word in title for word in options.only):
                continue
            if time.monotonic() - started > options.seconds:
                text.append(f"## {title}\n\nNot measured: the {options.seconds:.0f} s that it was given were over.")
                continue
            began = time.monotonic()
            print(f"## {title}\n", flush=True)
            text.append(f"## {title}\n\n{_measured(part)}")
            print(f"[{time.monotonic() - began:.0f} s]\n", flush=True)
            if options.write:
                options.write.write_text("\n\n".join(text) + "\n", encoding="utf-8")
            if options.log and bench.log.exists():
                shutil.copyfile(bench.log, options.log)


def _parts(bench: Bench, size: Size) -> Iterator[tuple[str, Callable[[], Iterable[str]]]]:
    """Yield each part with its title, the most important first."""
    yield "The demo", lambda: _listed(demo(bench, size.shape.device))
    model, tasks = make_model(bench.folder, size), make_benchmarks(bench.folder, size)
    yield "A large model, three ways", lambda: _listed(large(bench, size, model, tasks))
    yield "Killed in the middle", lambda: _listed(killed(bench, size, model, tasks))
    yield "A batch that does not fit", lambda: _listed(out_of_memory(bench, size, model, tasks))
    yield "Ctrl-C in the middle", lambda: _listed(interrupted(bench, size, model, tasks))
    yield "The memory estimate", memory
    yield "Log-likelihoods of both in one process", lambda: _rows(log_likelihoods_of(size.shape, bench.pairs))
    yield "Half precision", lambda: precision(size)


def _measured(part: Callable[[], Iterable[str]]) -> str:
    """Measure one part, and print each line as it comes: the machine may be taken away in the middle.

    A part that fails says so, and the others still run: the next GPU may be far away.
    """
    lines: list[str] = []
    try:
        for line in part():
            print(line, flush=True)
            lines.append(line)
    except Exception as error:  # noqa: BLE001
        lines.append(f"\n**Failed**: {type(error).__name__}: {str(error)[-1500:]}")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _listed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"- {line}"


def _rows(figures: Iterable[Figure]) -> Iterator[str]:
    """Yield the lines of a Markdown table, each row as it is measured."""
    for number, figure in enumerate(figures):
        head, line, row = as_markdown([figure]).splitlines()
        yield from (row,) if number else (head, line, row)


def _card() -> str:
    if not torch.cuda.is_available():
        return "A rehearsal without a GPU"
    card = torch.cuda.get_device_properties(0)
    return f"{card.name}, {card.total_memory / 2**30:.0f} GiB, CUDA {torch.version.cuda}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=420, help="begin no part after so many")
    parser.add_argument("--pairs", type=int, default=2, help="runs of each log-likelihood scenario")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="parts whose title has one of these words")
    parser.add_argument("--write", type=Path, nargs="?", const=RESULTS, metavar="FILE", help=f"write {RESULTS.name}")
    parser.add_argument("--log", type=Path, metavar="FILE", help="keep what all commands printed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
