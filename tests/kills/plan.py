"""Which signal goes to whom and when: drawn with a seed, so that a trial can be repeated."""

from __future__ import annotations

import random
import signal
from dataclasses import dataclass
from typing import Final, Literal

Victim = Literal["host", "worker", "server", "child", "all"]
Phase = Literal["starting", "preparing", "testing", "evaluating", "uploading", "leaving"]

VICTIMS: Final[tuple[Victim, ...]] = ("host", "worker", "server", "child", "all")
PHASES: Final[tuple[Phase, ...]] = ("starting", "preparing", "testing", "evaluating", "uploading", "leaving")
SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP)
"""A process that gets SIGSTOP gets SIGCONT some seconds later."""


@dataclass(frozen=True)
class Blow:
    """One signal."""

    number: int
    victim: Victim
    phase: Phase
    signal: signal.Signals
    delay: float
    """Seconds after the phase began."""
    stopped: float
    """Seconds between SIGSTOP and SIGCONT."""
    to_hub: bool
    """The leaderboard is a data set, and not a folder."""
    choice: float
    """From 0 to 1: which child."""

    def __str__(self) -> str:
        where = "Hub" if self.to_hub else "folder"
        return f"{self.number}: {self.signal.name} to {self.victim}, {self.phase} + {self.delay:.2f} s, to a {where}"


def draw(count: int, seed: int) -> list[Blow]:
    """So many blows; each victim in each phase comes up before one comes up twice."""
    source = random.Random(seed)  # noqa: S311 - it repeats on purpose
    pairs: list[tuple[Victim, Phase]] = []
    while len(pairs) < count:
        every = [(victim, phase) for victim in VICTIMS for phase in PHASES]
        pairs += source.sample(every, len(every))
    return [_draw_one(number, *pair, source) for number, pair in enumerate(pairs[:count])]


def _draw_one(number: int, victim: Victim, phase: Phase, source: random.Random) -> Blow:
    return Blow(
        number=number,
        victim=victim,
        phase=phase,
        signal=SIGNALS[number % len(SIGNALS)],
        delay=source.choice((0.0, source.uniform(0, 0.3), source.uniform(0, 3))),
        stopped=source.uniform(0.5, 5),
        to_hub=source.random() < 0.5,
        choice=source.random(),
    )
