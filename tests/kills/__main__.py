"""Sends signals to real runs: ``python -m tests.kills [--signals 200] [--seed 12] [--first 0] [--keep FOLDER]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kills.grounds import made_grounds
from tests.kills.plan import draw
from tests.kills.trial import Outcome, strike

SEED = 12


def main() -> None:
    """Every trial on a line of its own; exit 1 if anything was lost, changed, left behind or hung."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial, to repeat one")
    parser.add_argument("--keep", type=Path, help="a folder for what the trials leave")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, made_grounds(chosen.keep or Path(temporary)) as grounds:
        print(f"an undisturbed run takes {grounds.seconds:.0f} s", flush=True)
        outcomes = [_tell(strike(blow, grounds)) for blow in draw(chosen.signals, chosen.seed)[chosen.first :]]
    wrong = sum(bool(outcome.problems) for outcome in outcomes)
    missed = sum(not outcome.hit for outcome in outcomes)
    print(f"{len(outcomes)} signals ({missed} came after the run): {wrong} with a problem")
    sys.exit(bool(wrong))


def _tell(outcome: Outcome) -> Outcome:
    print(outcome, flush=True)
    return outcome


if __name__ == "__main__":
    main()
