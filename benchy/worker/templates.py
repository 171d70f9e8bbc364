"""Compiles each of a benchmark's Jinja templates once."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from benchy.worker.patching import replaced

MOST_TEMPLATES = 1000


@contextmanager
def compiled_once() -> Iterator[None]:
    """lm-eval compiles a template anew for each document that it is filled with, several times a document.

    That is most of the time in which requests are built and answers are scored; the texts are the same.
    """
    from lm_eval.utils import env

    with replaced(env, from_string=functools.lru_cache(MOST_TEMPLATES)(env.from_string)):
        yield
