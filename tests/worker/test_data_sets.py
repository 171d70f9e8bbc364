"""Which commit of a data set is loaded, from a loopback Hub, by the real `datasets`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hub.data_sets import arc_easy
from tests.hub.fixtures import loopback_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

_LOAD = """
import sys, datasets
from benchy.worker.data_sets import DataSets
for commits in ({"allenai/ai2_arc": sys.argv[1]}, {}):
    found = DataSets(commits)
    with found.pinned():
        rows = datasets.load_dataset("allenai/ai2_arc", "ARC-Easy")["test"].num_rows
        datasets.load_dataset("json", data_files=sys.argv[2])
    print(rows, *found.commits.items(), found.seconds > 0)
"""


def test_a_worker_loads_the_commit_that_the_one_before_it_loaded(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    data = loopback_hub.add_repository("allenai/ai2_arc", arc_easy(questions=8), repo_type="dataset")
    loaded_before = data.head
    data.commit(arc_easy(questions=5))
    (tmp_path / "own.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, loaded_before, str(tmp_path / "own.jsonl")],
        env=os.environ | loopback_hub.environment(tmp_path / "hf"),
        capture_output=True,
        text=True,
        check=False,
    )
    name = "allenai/ai2_arc"
    assert done.stdout.splitlines() == [f"8 {(name, loaded_before)} True", f"5 {(name, data.head)} True"], done.stderr
