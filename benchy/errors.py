"""The error tree: everything that can go wrong with a run, each with its exit code and what to do.

::

    BenchyError                     1
    ├── ConfigError                 2   the YAML file, the command line or a setting of this host is wrong
    ├── TaskNotFound                3   a benchmark that lm-eval does not know
    ├── ModelNotFound               4   no such repository, revision or folder, or no weights in it
    ├── AccessDenied                5   private or gated, or the token is missing or not valid
    ├── NotEnoughMemory             6   the GPU (or this host) is too small for the model or the batch
    ├── ModelLoadError              7   the model was found but does not load
    │   ├── LoadTimeout                 it loads for longer than performance.load_timeout
    │   └── ModelTestFailed             it loads, but says nothing or computes NaN
    │       └── PromptTimeout           a prompt takes longer than performance.prompt_timeout
    ├── EvaluationFailed            8   lm-eval raised, or a data set could not be read
    │   └── RunTimeout                  the run takes longer than performance.run_timeout
    ├── UploadFailed                9   the leaderboard could not be written; the finished record is kept
    ├── WorkerError                10   the GPU worker could not be started, or ended without an answer
    │   ├── WrongVersion                the worker, or its image, is of another version of Benchy
    │   ├── WorkerDied                  transient: killed or crashed in the middle of a request
    │   ├── RankLost                    transient: one of its processes died, or is stuck, while the others wait for it
    │   ├── GpuNotFound                 the configured GPU or device does not exist here
    │   ├── GpuBusy                     another program holds the GPU's memory
    │   ├── NoEngine                    transient: no Docker engine answers
    │   ├── EngineLost                  transient: the Docker engine went away in the middle of a request
    │   ├── NoGpuSupport                the Docker engine cannot give GPUs to a container
    │   ├── ImageMissing                the worker's image was not built on this machine
    │   └── ContainerRefused            the Docker engine does not create or start the container
    ├── NetworkError               11   transient: the Hub or another server could not be reached
    ├── DiskFull                   12   no space left for weights or results
    ├── NotVerified                13   what was published is not what was measured
    └── Interrupted               130   Ctrl-C, or cancelled in Prefect

An error travels from the worker to the host as :class:`ErrorData` and is raised there as the same class
(:func:`from_data`); nothing learns what went wrong by reading log text. Prefect retries only what is ``transient``.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

from benchy.frozen import FrozenModel
from benchy.masking import mask


class ErrorData(FrozenModel):
    """An error as plain data: in the protocol and in the record."""

    kind: str
    """The name of the class in this module."""
    message: str
    """What failed, in one line."""
    hint: str = ""
    """What to do about it."""
    transient: bool = False
    """Whether the same request may succeed when it is tried again."""
    traceback: str = ""
    """Where it was raised, for the log; never shown on the terminal."""

    def without_traceback(self) -> Self:
        """Return it as it is kept in a record."""
        return self._with(traceback="")


LONGEST_MESSAGE = 1200
"""Characters of what failed."""
LONGEST_HINT = 400
"""Characters of all that there is to do."""
LONGEST_OF_ALL = 1800
"""Characters of one failure with all that is told of it."""
_SHORTEST_HINT = 64
"""Characters below which a part of a hint says nothing."""
_LONG_WORD = re.compile(r"\S{300,}")


def shortened(text: str) -> str:
    """A message with all that it quotes cut to what a person reads; what no file or terminal takes is escaped."""
    return _cut(_without_long_words(text), LONGEST_MESSAGE)


def _without_long_words(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return _LONG_WORD.sub(lambda word: _cut(word[0], 200), text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(most - 63, 0)]} … {text[-60:]}"[-most:]


class BenchyError(Exception):
    """What every error of Benchy is; ``str(error)`` is what failed, ``hint`` what to do."""

    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = ""
    default_transient: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", transient: bool | None = None, traceback: str = "") -> None:
        self.message = shortened(mask(message))
        super().__init__(self.message)
        self.hint = ""
        self.transient = self.default_transient if transient is None else transient
        self.traceback = mask(traceback)
        if hint or self.default_hint:
            self.add_hint(hint or self.default_hint)

    def add_hint(self, more: str) -> None:
        """Say what (else) to do, as far as there is room for it."""
        before = f"{self.hint}; then " if self.hint else ""
        room = LONGEST_HINT - len(before)
        if room < _SHORTEST_HINT:
            return
        more = _cut(_without_long_words(mask(more)), room)
        self.hint = f"{before}{more}"
        self.add_note(f"→ {more}")  # so it ends each traceback, also in Prefect's log

    def add_problem(self, other: BenchyError) -> None:
        """Tell of another thing that is wrong, as far as there is room for it."""
        notes = getattr(self, "__notes__", [])
        room = LONGEST_OF_ALL - len(self.message) - sum(map(len, notes))
        said = f"{type(other).__name__}: {other.message}"
        if room < _SHORTEST_HINT:
            return
        self.add_note(_cut(f"also {said}", room))
        if other.hint and len(said) + len(other.hint) < room:
            self.add_note(f"→ {other.hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as data, since Prefect carries exceptions between processes."""
        return from_data, (self.to_data(),)

    def to_data(self) -> ErrorData:
        """This error as plain data."""
        return ErrorData(
            kind=type(self).__name__,
            message=self.message,
            hint=self.hint,
            transient=self.transient,
            traceback=self.traceback,
        )


class ConfigError(BenchyError):
    """The YAML file, the command line or a setting of this host is wrong."""

    exit_code = 2


class TaskNotFound(BenchyError):
    """A benchmark that lm-eval does not know."""

    exit_code = 3
    default_hint = "`lm_eval ls tasks` lists every name; your own tasks need evaluation.include_path"


class ModelNotFound(BenchyError):
    """No such repository, revision or folder, or no weights in it."""

    exit_code = 4
    default_hint = "check model.name and model.revision"


class AccessDenied(BenchyError):
    """Private or gated, or the token is missing or not valid."""

    exit_code = 5
    default_hint = "set HF_TOKEN to a token that may read this repository, or run `hf auth login`"


class NotEnoughMemory(BenchyError):
    """The GPU (or this host) is too small for the model or the batch."""

    exit_code = 6
    default_hint = "lower evaluation.batch_size or model.max_length, take a smaller model.dtype, or more GPUs"


class ModelLoadError(BenchyError):
    """The model was found but does not load."""

    exit_code = 7
    default_hint = "check model.dtype, model.trust_remote_code and model.args; the traceback is in the log"


class ModelTestFailed(ModelLoadError):
    """The model loads, but says nothing or computes NaN."""

    default_hint = "try another model.dtype (bfloat16 where float16 overflows) and check the weights"


class LoadTimeout(ModelLoadError):
    """The model loads for longer than ``performance.load_timeout``."""

    default_hint = "if it only needs longer, raise performance.load_timeout (seconds); the log says what it was doing"


class PromptTimeout(ModelTestFailed):
    """A prompt takes longer than ``performance.prompt_timeout``."""

    default_hint = (
        "look at the model's chat template; if it only needs longer, raise performance.prompt_timeout (seconds)"
    )


class EvaluationFailed(BenchyError):
    """lm-eval raised, or a data set could not be read."""

    exit_code = 8
    default_hint = "the traceback is in the log"


class RunTimeout(EvaluationFailed):
    """The run takes longer than ``performance.run_timeout``."""

    default_hint = "raise performance.run_timeout (seconds); `--resume` goes on with the answers that were given"


class UploadFailed(BenchyError):
    """The leaderboard could not be written; the finished record is kept."""

    exit_code = 9
    default_hint = "the traceback is in the log"


class WorkerError(BenchyError):
    """The GPU worker could not be started, or ended without an answer."""

    exit_code = 10


class WrongVersion(WorkerError):
    """The worker, or its image, is of another version of Benchy."""

    default_hint = (
        "the worker's image is of another version: build it anew (`docker compose up -d --build`, or"
        " `docker build -f Dockerfile.gpu -t IMAGE .` with the image of the config)"
    )


class WorkerDied(WorkerError):
    """The worker was killed or crashed in the middle of a request."""

    default_transient = True
    default_hint = "the end of the log says what it was doing; the run can be started again as it is"


class RankLost(WorkerError):
    """One of the worker's processes died, or is stuck, while the others wait for it."""

    default_transient = True
    default_hint = (
        "the log says what each was doing; if they only need longer, raise performance.collective_timeout (seconds)"
    )


class GpuNotFound(WorkerError):
    """The configured GPU or device does not exist here."""

    default_hint = 'fix "gpus", "performance.num_gpus" or "evaluation.device" (`nvidia-smi -L` lists the GPUs)'


class GpuBusy(WorkerError):
    """Another program holds the GPU's memory."""

    default_hint = 'end that program, or name other GPUs in "gpus"'


class NoEngine(WorkerError):
    """No Docker engine answers. Before the first step it ends the run; within one it is tried again."""

    default_transient = True
    default_hint = 'start Docker, set DOCKER_HOST to its address, or set "runtime: process"'


class EngineLost(WorkerError):
    """The Docker engine went away in the middle of a request."""

    default_transient = True
    default_hint = "the engine was stopped or restarted; its own log says why (`journalctl -u docker`)"


class NoGpuSupport(WorkerError):
    """The Docker engine cannot give GPUs to a container."""

    default_hint = (
        "install the NVIDIA container toolkit, then `nvidia-ctk runtime configure --runtime=docker` and restart Docker"
    )


class ImageMissing(WorkerError):
    """The worker's image was not built on this machine."""


class ContainerRefused(WorkerError):
    """The Docker engine does not create or start the container."""

    default_hint = 'the message is the engine\'s own; check the section "container" of the config'


class NetworkError(BenchyError):
    """The Hub or another server could not be reached."""

    exit_code = 11
    default_transient = True
    default_hint = "check the network and HF_ENDPOINT, then try again"


class DiskFull(BenchyError):
    """No space left for weights or results."""

    exit_code = 12
    default_hint = "free some space, or move HF_HOME or evaluation.output_path to a larger disk"


class NotVerified(BenchyError):
    """What was published is not what was measured."""

    exit_code = 13
    default_hint = "publish the runs that are named again from where they were made; a signature says whose they are"


class Interrupted(BenchyError):
    """Ctrl-C, or cancelled in Prefect."""

    exit_code = 130
    default_hint = "start the run again when you like"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_disk_full(error: BaseException) -> bool:
    """Whether the operating system said that no space is left, or that the user's share of it is used up."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def _subclasses(cls: type[BenchyError]) -> dict[str, type[BenchyError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _subclasses(child)
    return found


def quoted(data: ErrorData) -> BenchyError:
    """The error of a process in which code of a model runs: in quotation marks, and without its advice."""
    cls = _subclasses(BenchyError).get(data.kind, BenchyError)
    return cls(f'the worker says: "{data.message}"', transient=data.transient, traceback=data.traceback)


def from_data(data: ErrorData) -> BenchyError:
    """The error that ``data`` describes, as its own class; an unknown kind becomes a plain :class:`BenchyError`."""
    cls = _subclasses(BenchyError).get(data.kind, BenchyError)
    return cls(data.message, hint=data.hint, transient=data.transient, traceback=data.traceback)


@contextmanager
def naming_unexpected() -> Iterator[None]:
    """Raise what is no error of the tree as one: Prefect shows an exception's own words, secrets included."""
    try:
        yield
    except BenchyError:
        raise
    except Exception as error:  # noqa: BLE001 - the catch-all at Prefect's edge
        raise as_benchy_error(error) from None


def as_benchy_error(error: BaseException) -> BenchyError:
    """The error of the tree for whatever ended a run; Prefect cancels with a BaseException of its own."""
    if isinstance(error, BenchyError):
        return error
    if not isinstance(error, Exception):
        return Interrupted("the run was interrupted")
    text = "".join(traceback.format_exception(error))
    if isinstance(error, OSError) and (refused := refused_by_host(error)):
        refused.traceback = text
        return refused
    if str(getattr(error, "title", "")).endswith("Settings"):  # pydantic's, of Prefect's settings
        return ConfigError(f"Prefect refuses its settings: {' '.join(str(error).split())}", hint=_SETTINGS)
    return BenchyError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a bug in Benchy; please report it with the log",
        traceback=text,
    )


_REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EIO,
    errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.EINVAL,
}  # fmt: skip
"""What an operating system says of its own files and limits, and of no mistake in this code."""


_SETTINGS = "mend the variable PREFECT_... or the profile (`prefect config view` lists them)"


def refused_by_host(error: OSError) -> BenchyError | None:
    """The error for a file or a limit of this host that is in the way; None if it is none of these."""
    where = error.filename or "a file"
    if is_disk_full(error):
        return DiskFull(f"no space left for {where}")
    if error.errno not in _REFUSALS:
        return None
    hint = "check who may read and write it (`ls -l`), and HOME, HF_HOME and PREFECT_HOME"
    return ConfigError(f"this host refuses {where}: {error.strerror}", hint=hint)
