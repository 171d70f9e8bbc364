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

NAME = "allenai/ai2_arc"
_LOAD = """
import sys, datasets
from benchy.errors import EvaluationFailed
from benchy.hub import go_offline
from benchy.worker.fetch.datasets import DataSets

def load(**commits):
    found = DataSets({"allenai/ai2_arc": commit for commit in commits.values()})
    with found.pinned():
        rows = datasets.load_dataset("allenai/ai2_arc", "ARC-Easy")["test"].num_rows
        datasets.load_dataset("json", data_files=sys.argv[2])
    print(rows, *found.commits.items(), found.seconds > 0)

load(begun_with=sys.argv[1])
load()
both = DataSets()
with both.pinned():
    two = (datasets.load_dataset("allenai/ai2_arc", "ARC-Easy", revision=name) for name in ("first", None))
    print(*(found["test"].num_rows for found in two), *sorted(both.commits))
go_offline()
load(begun_with=sys.argv[1])
load()
try:
    load(begun_with="f" * 40)
except EvaluationFailed as error:
    print(error)
"""


def test_a_run_loads_one_commit_with_and_without_the_network(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    data = loopback_hub.add_repository(NAME, arc_easy(questions=8), repo_type="dataset")
    begun_with = data.head
    data.commit(arc_easy(questions=6), branch="first")
    data.commit(arc_easy(questions=5))
    data.on_xet = True  # where it would hang
    blobs = tmp_path / "hf" / "hub" / "datasets--allenai--ai2_arc" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "0123.incomplete").touch()  # a killed download left it
    (tmp_path / "own.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    own = {"HF_HUB_DISABLE_XET": "0", "HF_DATASETS_CACHE": str(tmp_path / "hf" / "datasets")}
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, begun_with, str(tmp_path / "own.jsonl")],
        env=os.environ | loopback_hub.environment(tmp_path / "hf") | own,
        capture_output=True,
        text=True,
        check=False,
    )
    old, new = f"8 {(NAME, begun_with)} True", f"5 {(NAME, data.head)} True"
    assert done.stdout.splitlines()[:5] == [old, new, f"6 5 {NAME} {NAME}@first", old, new], done.stderr
    assert f"and this run needs it at {'f' * 40}" in done.stdout
    assert loopback_hub.count("xet") == 0
    assert not list(blobs.glob("*.incomplete"))
