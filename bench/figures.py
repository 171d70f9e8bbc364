"""The figures of a benchmark: medians, spreads and goals, as a table and as data."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table

PACKAGES = ("benchy", "lm_eval", "torch", "transformers", "datasets", "prefect")


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.low == self.high:
            return _number(self.median)
        return f"{_number(self.median)} ({_number(self.low)}-{_number(self.high)})"


@dataclass(frozen=True)
class Goal:
    """What a figure should be at most or, if ``at_least``, at least."""

    value: float
    of: str
    """``ratio`` or ``ours``."""
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {_number(self.value)}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Figure:
    """One row: what Benchy takes and, where there is something to compare with, what plain lm-eval takes."""

    what: str
    unit: str
    ours: Spread | None
    """None if it was not measured; then ``note`` says why."""
    plain: Spread | None = None
    ratio: Spread | None = None
    """Ours over plain, pair by pair."""
    goal: Goal | None = None
    note: str = ""
    if_missed: str = ""
    """What stands in the way of the goal, as far as it is known."""

    @property
    def met(self) -> bool | None:
        """None where there is no goal, or no figure."""
        found = self.ratio if self.goal and self.goal.of == "ratio" else self.ours
        if self.goal is None or found is None:
            return None
        return found.median >= self.goal.value if self.goal.at_least else found.median <= self.goal.value


def paired(
    what: str,
    unit: str,
    ours: Sequence[float],
    plain: Sequence[float],
    *,
    goal: float | None = None,
    note: str = "",
    if_missed: str = "",
) -> Figure:
    """Return the figure of runs that alternated."""
    ratios = [one / other for one, other in zip(ours, plain, strict=True)]
    wanted = None if goal is None else Goal(goal, "ratio")
    return Figure(what, unit, Spread.of(ours), Spread.of(plain), Spread.of(ratios), wanted, note, if_missed)


def skipped(what: str, why: str) -> Figure:
    """Return a figure that could not be measured here."""
    return Figure(what, "", None, note=f"skipped: {why}")


@dataclass(frozen=True)
class Machine:
    """Where the figures were measured."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    load: float
    """Processes that wanted a core in the minute before (``os.getloadavg``); above 0.5, others worked here too."""
    packages: dict[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Machine:
        """Describe this machine, now."""
        names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        return cls(
            cpu=names[0].partition(":")[2].strip() if names else platform.machine(),
            cores=len(os.sched_getaffinity(0)),
            memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
            system=platform.platform(),
            python=platform.python_version(),
            load=os.getloadavg()[0],
            packages={name: importlib.metadata.version(name) for name in PACKAGES},
        )

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.system}; "
            f"Python {self.python}; {packages}. Load average at the start: {self.load:.1f}."
        )


def as_table(figures: Sequence[Figure], *, title: str) -> Table:
    """Return the figures beside their goals."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for head in HEADS:
        table.add_column(head, justify="left" if head in {"what", "note"} else "right", no_wrap=head != "note")
    for figure in figures:
        table.add_row(*cells(figure))
    return table


HEADS = ("what", "unit", "benchy", "lm_eval", "ratio", "goal", "met", "note")


def cells(figure: Figure) -> list[str]:
    """Return the text of a row."""
    met = {True: "yes", False: "NO", None: ""}[figure.met]
    shown = (figure.ours, figure.plain, figure.ratio, figure.goal)
    return [figure.what, figure.unit, *("" if one is None else str(one) for one in shown), met, figure.note]


def as_data(figures: Sequence[Figure]) -> list[dict[str, object]]:
    """For JSON."""
    return [asdict(figure) | {"met": figure.met} for figure in figures]


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
