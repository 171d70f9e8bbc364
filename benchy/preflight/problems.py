"""Collects what several checks refuse, so that a person hears of all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from benchy.errors import BenchyError, NetworkError

ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")


class Problems:
    """The problems of one config, in the order in which they were found."""

    def __init__(self) -> None:
        self._found: list[BenchyError] = []

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._found)

    def tried(
        self, check: Callable[ArgumentsT, ResultT], *args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs
    ) -> ResultT | None:
        """Run a check; return its result, or None if it refuses.

        Raises:
            NetworkError: it found no network, and each further check would wait for it again.
        """
        try:
            return check(*args, **kwargs)
        except BenchyError as error:
            self._found.append(error)
            if isinstance(error, NetworkError):
                self.raise_all()
            return None

    def raise_all(self) -> None:
        """Raise the first of them, which tells of the others; does nothing if there is none.

        Raises:
            BenchyError: the first.
        """
        if self._found:
            first, *others = self._found
            for other in others:
                first.add_problem(other)
            raise first
