"""A Hub that is away while a run is checked is waited for; what does not pass ends the run at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.commands import REPOSITORY
from tests.hub.commands import hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

CHECK = """
import sys
from pathlib import Path
from benchy.config import load_config
from flows.patience import preflight_patiently
print(preflight_patiently(load_config(Path(sys.argv[1])), "process", print).parameters)
"""


def check(hub: LoopbackHub, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a config in a process of its own: the Hub's library reads its address as it is imported."""
    return subprocess.run(
        [sys.executable, "-c", CHECK, str(hub_config(folder))],
        cwd=REPOSITORY,
        env=os.environ | hub.environment(folder / "hf"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_hub_that_is_away_is_waited_for(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    """Five requests are made before the Hub counts as away: the sixth is the second check's."""
    loopback_hub.add_repository("org/tiny", tiny_llama())
    loopback_hub.fail("GET /api/models/org/tiny", retry_after=0, times=5)
    done = check(loopback_hub, tmp_path)
    assert done.returncode == 0, done.stderr
    waited, parameters = done.stdout.splitlines()
    assert waited.startswith("NetworkError: ")
    assert waited.endswith("; trying again in 2 s")
    assert int(parameters) > 0


def test_a_model_that_is_not_there_ends_it_at_once(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    done = check(loopback_hub, tmp_path)
    assert "ModelNotFound" in done.stderr
    assert "trying again" not in done.stdout
    assert loopback_hub.count("/api/models/org/tiny") == 1
