from pathlib import Path

from benchy.config import BenchmarkConfig
from benchy.runtimes.base import RunIdentity
from benchy.runtimes.launch import Role, WorkerLaunch, launch_of

A_RUN = RunIdentity(name="model_20260101-000000_00000000", run_id="00000000", folder=Path("outputs/none"))
"""For a worker of no run."""


def launch(config: BenchmarkConfig, *, role: Role = "model") -> WorkerLaunch:
    """Return what a worker of that run is."""
    return launch_of(config, A_RUN.folder, role=role)
