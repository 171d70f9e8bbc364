"""Shortcuts for what lm-eval does again and again: compiled templates, the list of packages."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchy.worker.harness.patching import replaced

MOST_TEMPLATES = 1000


@contextmanager
def compiled_once() -> Iterator[None]:
    """lm-eval compiles a template anew for each document that it is filled with, several times a document.

    That is most of the time in which requests are built and answers are scored; the texts are the same.
    """
    from lm_eval.utils import env

    with replaced(env, from_string=functools.lru_cache(MOST_TEMPLATES)(env.from_string)):
        yield


NAME_OR_VERSION = re.compile(r"^(Name|Version): *(.*)$", re.MULTILINE)


@contextmanager
def listed_without_pip() -> Iterator[None]:
    """lm-eval's results file tells of the environment, through torch, which runs ``pip list``; the text is the same."""
    from torch.utils import collect_env

    get_pip_packages: Any = collect_env.get_pip_packages

    def listed(_run: Any, patterns: Any = None) -> Any:
        return get_pip_packages(lambda _command: (0, installed_packages(), ""), patterns)

    with replaced(collect_env, get_pip_packages=listed):
        yield


def installed_packages() -> str:
    """Return what ``pip list --format=freeze`` prints."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():  # the first of a name is the one that is imported
        fields = _name_and_version(distribution)
        if name := fields.get("Name"):
            found.setdefault(_normalized(name), f"{name}=={fields['Version']}")
    return "\n".join(found[name] for name in sorted(found))


def _name_and_version(distribution: importlib.metadata.Distribution) -> dict[str, str]:
    """As in ``distribution.metadata``, which parses the whole description as a mail, in a tenth of the time."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    return dict(NAME_OR_VERSION.findall(text.partition("\n\n")[0]))


def _normalized(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
