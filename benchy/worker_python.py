"""Names the Python that runs the model's worker, where it is that of another environment."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from benchy.home_folders import with_home

VARIABLE = "BENCHY_WORKER_PYTHON"
"""Names that Python for all configs of a host that name none."""
_OF_THIS_PYTHON = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__")
"""Variables that lead a Python to the packages of this one."""


def other_python(named: str | None) -> str | None:
    """Return the Python that a config names, or else this host; None if neither does.

    A link stays one: what a virtual environment's Python is a link to knows nothing of that environment.
    """
    python = named or os.environ.get(VARIABLE)
    if not python or os.sep not in python:
        return python or None
    return str(with_home(python).absolute())


def in_environment_of(python: str, variables: Mapping[str, str], *, keep: Collection[str] = ()) -> dict[str, str]:
    """Return variables with which a Python finds its own packages and programs, as after `activate`.

    Args:
        python: that Python.
        variables: what it would get otherwise.
        keep: names that are passed on in any case.
    """
    own = {name: value for name, value in variables.items() if name in keep or name not in _OF_THIS_PYTHON}
    if os.sep in python:
        own["PATH"] = os.pathsep.join(filter(None, (str(Path(python).parent), own.get("PATH"))))
    return own
