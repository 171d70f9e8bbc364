"""``make bench``, or ``python -m bench [--quick] [--json FILE] [--write]``: measures, shows and writes."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench import answering, channels, comparing, generation, log_likelihoods, pipeline, scale
from bench.figures import Figure, Machine, as_data, as_table
from bench.pipeline import Bench
from bench.results import RESULTS, write_results

ROOMS = (pipeline, log_likelihoods, generation, answering, channels, comparing, scale)
PARTS = {part.__name__: part for room in ROOMS for part in room.PARTS}


def main() -> None:
    """Measure, show, write."""
    options = _options()
    console = Console(width=150)
    machine = Machine.here()
    console.print(str(machine))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder), pairs=2 if options.quick else options.pairs)
        for name in options.only or PARTS:
            console.print(f"[dim]{name} ...[/dim]")
            figures += PARTS[name](bench)
    console.print(as_table(figures, title=f"Medians of {bench.pairs} (lowest-highest); pairs of runs alternate"))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    data = {"machine": asdict(machine), "pairs": bench.pairs, "figures": as_data(figures)}
    options.json.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(f"Data: {options.json}")
    if options.write:
        write_results(machine, figures, pairs=bench.pairs)
        console.print(f"Written: {RESULTS}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two pairs")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, default=Path("outputs/bench.json"))
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS} anew")
    return parser.parse_args()


if __name__ == "__main__":
    main()
