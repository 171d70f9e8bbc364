"""The growth of a cost compares sizes that were each run several times."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import scale
from bench.scale import LEAST_RUNS


def test_the_quickest_of_several_runs_counts_also_where_one_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "SECONDS_ENOUGH", 0.0)
    folders: list[Path] = []
    blocks: list[bytearray] = []

    def work(size: int, folder: Path) -> None:
        folders.append(folder)
        blocks.append(bytearray(size))

    cost = scale._cost(work, 1 << 20)
    assert len(set(folders)) == LEAST_RUNS + 1, "each in a folder of its own, and one for the memory"
    assert (cost.size, cost.peak_bytes >= 1 << 20) == (1 << 20, True)
