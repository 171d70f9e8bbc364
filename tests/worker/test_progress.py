"""Progress bars become events; run apart, since tqdm is changed for the whole process."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

BARS = """
import json, sys, time
from benchy.worker.progress import bars_hidden, bars_named, redirect_progress_bars
redirect_progress_bars(lambda event: print(event.model_dump_json()))
from tqdm import tqdm
from tqdm.auto import tqdm as auto
for _ in tqdm(range(100_000), desc="Counting", unit="doc"):
    pass
for _ in auto(["nobody", "named", "it"]):
    pass
with bars_named("building x"):
    for _ in tqdm(iter([1, 2]), mininterval=0):
        time.sleep(0.3)
with bars_hidden():
    for _ in tqdm(range(5), desc="Known better"):
        pass
for _ in tqdm(range(5), disable=True):
    pass
with tqdm(total=10, desc="Stops early: ") as bar:
    bar.update(4)
"""


def events() -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", BARS], capture_output=True, text=True, check=True)
    assert done.stderr == "", "nothing is drawn"
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_bars_of_every_kind() -> None:
    found = events()
    counting = [event for event in found if event["label"] == "Counting"]
    assert counting[-1]["done"] == counting[-1]["total"] == 100_000
    assert counting[-1]["unit"] == "doc"
    assert len(counting) < 100, "a bar sends at most five events a second"
    assert {event["label"] for event in found} == {"Counting", "building x", "Stops early"}
    unknown = [event for event in found if event["total"] is None]
    assert unknown[-1]["done"] == 2
    assert unknown[-1]["seconds_left"] is None
    early = [event for event in found if event["label"] == "Stops early"]
    assert (early[-1]["done"], early[-1]["total"]) == (4, 10), "the last state is sent when the bar is closed"
