"""Writes docs/tasks.md: which packages and builders lm-eval's own benchmarks need, found in their YAML and code."""

from __future__ import annotations

import importlib.metadata
from collections import defaultdict
from pathlib import Path

from benchy.benchmarks.files import BUILDERS, load_task
from benchy.benchmarks.index import index_tasks
from benchy.benchmarks.packages import pip_name, required_packages
from benchy.benchmarks.task_checks import mistakes_in

PAGE = Path(__file__).parents[1] / "docs" / "tasks.md"
OF_WORKER = {"benchy", "lm_eval", "torch", "transformers", "datasets", "accelerate", "numpy", "pyarrow", "scipy"}
"""What each environment with a worker has."""
SHOWN = 3
HEAD = """\
# What lm-eval's own benchmarks need

Made by `make tasks-docs` from the {count:,} benchmarks of lm-eval {version}: each YAML is read as lm-eval reads it,
and the imports of its functions are followed. `benchy check` says of a benchmark what is not installed. The extra
`tasks` (`pip install 'benchy[tasks]'`, or `--build-arg EXTRAS=tasks` for the image) brings what most of them need.
"""


def page() -> str:
    """Return the whole page."""
    index = index_tasks(()) or {}
    settings = {
        entry.path: load_task(entry.path) for entry in index.values() if entry.kind == "task" and entry.path is not None
    }
    packages: dict[str, list[str]] = defaultdict(list)
    builders: dict[str, list[str]] = defaultdict(list)
    wrong = []
    for path, task in sorted(settings.items()):
        name = str(task.get("task"))
        for module in required_packages(path) - OF_WORKER:
            packages[module].append(name)
        if task.get("dataset_path") in BUILDERS:
            builders[str(task["dataset_path"])].append(name)
        if any(True for _ in mistakes_in(task, path)):
            wrong.append(name)
    lines = [
        HEAD.format(count=len(settings), version=importlib.metadata.version("lm_eval")),
        "| package | benchmarks | for example |",
        "|---|---|---|",
        *(_row(pip_name(module), names) for module, names in sorted(packages.items())),
        "",
        "Files instead of a dataset of the Hub, by the builder of `datasets`:",
        "",
        "| builder | benchmarks | for example |",
        "|---|---|---|",
        *(_row(builder, names) for builder, names in sorted(builders.items())),
        "",
        f"Benchmarks that name data of their authors' own disks, and cannot run elsewhere: {', '.join(sorted(wrong))}.",
    ]
    return "\n".join(lines) + "\n"


def _row(what: str, names: list[str]) -> str:
    return f"| `{what}` | {len(names):,} | {', '.join(sorted(names)[:SHOWN])} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
