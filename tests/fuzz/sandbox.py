"""Runs one case in this process: its failure is named, short and quick, no code of it runs, nothing is written."""

from __future__ import annotations

import io
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from unittest.mock import patch

from benchy.cli.main import run_command
from benchy.errors import BenchyError

SECONDS = 10
"""The longest that a case may compute, however busy the machine is."""
SECONDS_WITH_WAITING = 60
"""The longest that a case may take, what it waits for included: a machine's other work, a worker that starts."""
LONGEST_MESSAGE = 2000
"""Characters of an error with what to do about it."""


class TooSlow(BaseException):
    """No library that catches every Exception swallows it."""


class Sandbox:
    """The folder of a test's cases."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.case = root / "case"
        self.canary = root / "code-was-run"
        self._outside = self._files_outside()

    def renewed(self) -> Path:
        """Return the case's folder, empty; it is the current one."""
        for path in self.case.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        return self.case

    def command(self, *arguments: str) -> str:
        """Run `benchy` with these arguments; what it said, if it is sound."""
        said = io.StringIO()
        argv = patch("sys.argv", ["benchy", *arguments])
        with _alarmed(), redirect_stdout(said), redirect_stderr(said), argv:
            code = run_command()
        text = said.getvalue()
        assert code != 1, text
        assert "bug in Benchy" not in text
        assert not re.search(r"unexpected \w*(Error|Exception)\b", text), text
        assert "Traceback" not in text
        error = re.search(r"^❌ .*", text, re.DOTALL | re.MULTILINE)
        assert error is None or len(error.group()) <= LONGEST_MESSAGE, len(text)
        self.require_untouched()
        return text

    def call(self, what: Callable[[], object]) -> BenchyError | None:
        """Call a function of Benchy; its error, if that is one with a name of its own."""
        error = _error_of(what)
        self.require_untouched()
        if error is not None:
            assert type(error) is not BenchyError, error
            assert "bug in Benchy" not in error.hint
            assert "unexpected " not in error.message, error
            assert len(f"{error.message}{error.hint}") <= LONGEST_MESSAGE
        return error

    def require_untouched(self) -> None:
        """No code of a case was run, and nothing was written beside its folder."""
        assert not self.canary.exists(), "code was run"
        assert self._files_outside() == self._outside

    def _files_outside(self) -> set[Path]:
        return {path for path in self._root.iterdir() if path.name != "hypothesis"}


def _error_of(what: Callable[[], object]) -> BenchyError | None:
    with _alarmed():
        try:
            what()
        except BenchyError as error:
            return error
    return None


@contextmanager
def _alarmed() -> Iterator[None]:
    def end(number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"more than {limits[number]} s")

    limits: dict[int, int] = {signal.SIGVTALRM: SECONDS, signal.SIGALRM: SECONDS_WITH_WAITING}
    before = {number: signal.signal(number, end) for number in limits}
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, SECONDS_WITH_WAITING)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
