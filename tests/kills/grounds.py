"""What trials share: a Hub, a home in which Prefect's database is made, the scores of a run that nobody disturbs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.hub.server import LoopbackHub
from tests.kills.trial import Grounds, run_undisturbed


@contextmanager
def made_grounds(folder: Path) -> Iterator[Grounds]:
    """Ready for trials below this folder."""
    home = folder / "home"
    home.mkdir(parents=True)
    with LoopbackHub() as hub:
        grounds = Grounds(folder, home, hub, hub.add_user("ada", role="write", orgs=("org",)))
        scores, seconds = run_undisturbed(grounds)
        yield replace(grounds, scores=scores, seconds=seconds)
