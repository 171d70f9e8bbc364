"""Two runs in one process, each in a flow run of its own, as a suite needs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchy.record import read_record
from tests.commands import REPOSITORY, write_config
from tests.prefect_server import ask

TWO_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchy.config import load_config
from benchy.record import Facts
from benchy.runs.opening import open_run
from flows.benchmark import benchy, doing


def do(config):
    with open_run(load_config(Path(config)), Facts()) as run, doing(run):
        return benchy(config)


with ThreadPoolExecutor() as threads:
    print(*threads.map(do, sys.argv[1:]), sep="\\n")
"""


def test_two_runs_at_once_each_do_their_own_steps(prefect_api: str, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    configs = []
    for folder in folders:
        folder.mkdir()
        configs.append(write_config(folder, upload=None))
    done = subprocess.run(
        [sys.executable, "-c", TWO_AT_ONCE, *map(str, configs)],
        cwd=REPOSITORY,
        env=os.environ | {"PREFECT_API_URL": prefect_api},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    places = [Path(line) for line in done.stdout.splitlines()[-2:]]
    assert [place.parents[1] for place in places] == folders
    records = [read_record(place) for place in places]
    assert [(record.status, record.error) for record in records] == [("evaluated", None)] * 2
    assert len({record.flow_run_id for record in records} - {None}) == 2
    for record in records:
        (found,) = ask(prefect_api, "flow_runs/filter", flow_runs={"id": {"any_": [record.flow_run_id]}})
        assert (found["name"], found["state"]["type"]) == (record.run_name, "COMPLETED")
