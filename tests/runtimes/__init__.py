from pathlib import Path

from benchy.runtimes.base import RunIdentity

A_RUN = RunIdentity(name="model_20260101-000000_00000000", run_id="00000000", folder=Path("outputs/none"))
"""For a worker of no run."""
