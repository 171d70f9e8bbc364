"""The messages between host and worker: one JSON object a line.

The host writes requests to the worker's stdin, one at a time; the worker writes events, and then one reply, to its
stdout. Both say first who they are, so that an image of another version is named as that. Everything else that a
library prints goes to the worker's stderr, which is the log::

    -> {"version": "0.2.0", "protocol": 2}
    <- {"version": "0.2.0", "protocol": 2}
    -> {"id": 1, "method": "fetch", "params": {...}}
    <- {"event": "progress", "label": "Downloading", "done": 10, "total": 20, "unit": "B"}
    <- {"id": 1, "result": {...}}      or      {"id": 1, "error": {"kind": "ModelNotFound", ...}}

When the host dies the worker's stdin ends, and the worker ends: no orphan holds a GPU.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from benchy import __version__
from benchy.config import BenchmarkConfig, UploadConfig, WandbConfig
from benchy.errors import ErrorData, WrongVersion
from benchy.masking import mask_data
from benchy.plain_text import plain_data
from benchy.record import (
    Built,
    EvaluationResult,
    Fetched,
    Imported,
    ModelTestResult,
    Prepared,
    Recomputed,
    RunRecord,
    Uploaded,
    WandbRun,
)

PROTOCOL = 4
"""The number of these messages: another one where a message changes its meaning within a version."""

ResultT = TypeVar("ResultT", bound=BaseModel)


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # it may be a token


class Hello(_Message):
    """The first line in each direction: who speaks."""

    version: str = __version__
    protocol: int = PROTOCOL

    def require_own(self, speaker: str) -> None:
        """Check that the other end is of this version.

        Raises:
            WrongVersion: it is not.
        """
        if self != Hello():
            other = f"{speaker} is Benchy {self.version} (protocol {self.protocol})"
            raise WrongVersion(f"{other}, and the other end Benchy {__version__} (protocol {PROTOCOL})")


class Request(_Message, Generic[ResultT]):
    """What every request is; each has a method's name and the type of its result."""

    method: ClassVar[str]
    result_type: ClassVar[type[BaseModel]]


class Fetch(Request[Fetched]):
    """Fetch the model and the benchmarks' data into the cache, in a worker of its own: it runs no code of either."""

    method = "fetch"
    result_type = Fetched
    config: BenchmarkConfig
    token: str | None = Field(default=None, repr=False)
    """The Hub's read token: no other worker has it."""
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commits at which the run's data sets were loaded before: they are fetched so again."""
    weights: bool = True
    """Whether the model's weights are fetched too, and not only its small files: config, tokenizer, code."""


class _WithBenchmarks(_Message):
    """What a worker is told that builds benchmarks."""

    config: BenchmarkConfig
    fetched: Fetched | None = None
    """What another worker fetched for this one."""
    server_keys: dict[str, str] = Field(default_factory=dict, repr=False)
    """For a model behind a server: the keys that lm-eval looks for, by the names of their variables."""
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commits at which a worker before this one loaded the run's data sets: they are loaded so again."""


class Build(_WithBenchmarks, Request[Built]):
    """Build the benchmarks to their last request, without the model's weights: it finds what is wrong with them."""

    method = "build"
    result_type = Built
    model_length: int | None = None
    """How many tokens the model holds, prompt and answer together; None if that is not known."""


class Import(Request[Imported]):
    """Look at the devices and import the libraries, while another worker fetches."""

    method = "import"
    result_type = Imported
    config: BenchmarkConfig


class Prepare(_WithBenchmarks, Request[Prepared]):
    """Build the benchmarks. What was not fetched before is fetched now, without a token."""

    method = "prepare"
    result_type = Prepared


class ModelTest(Request[ModelTestResult]):
    """Load the prepared model and say hello through it."""

    method = "model_test"
    result_type = ModelTestResult
    prompt: str = "Hello, world!"


class Evaluation(Request[EvaluationResult]):
    """Evaluate the prepared model, loading it first if that was not done."""

    method = "evaluation"
    result_type = EvaluationResult
    run_folder: str
    """Where lm-eval's own files go."""


class Upload(Request[Uploaded]):
    """Publish a finished record; needs no model, and runs in a worker of its own."""

    method = "upload"
    result_type = Uploaded
    record: RunRecord
    """As the host holds it: no file is asked what is published."""
    run_folder: str
    """Where lm-eval's own files lie."""
    config: UploadConfig
    token: str | None = Field(default=None, repr=False)
    """The Hub's token that may write to the data set; only this request holds it."""
    signing_key: str | None = Field(default=None, repr=False)
    """A private key (PEM) that signs the manifest of the run."""


class WandbAccess(_Message):
    """How Weights & Biases is reached: a container's environment can be inspected, so it travels in the request."""

    mode: Literal["online", "offline"]
    base_url: str
    api_key: str | None = Field(default=None, repr=False)


class LogToWandb(Request[WandbRun]):
    """Show a finished record at Weights & Biases; needs no model, and runs in a worker of its own."""

    method = "wandb"
    result_type = WandbRun
    record: RunRecord
    run_folder: str
    config: WandbConfig
    access: WandbAccess
    samples: bool
    """Whether each document's prompt, answer and score is shown too."""


class Recompute(Request[Recomputed]):
    """Recompute the scores of a finished record from its samples; needs no model, and runs in a worker of its own."""

    method = "recompute"
    result_type = Recomputed
    record: RunRecord
    run_folder: str


AnyRequest = Fetch | Build | Import | Prepare | ModelTest | Evaluation | Upload | LogToWandb | Recompute
REQUESTS: dict[str, type[AnyRequest]] = {
    cls.method: cls for cls in (Fetch, Build, Import, Prepare, ModelTest, Evaluation, Upload, LogToWandb, Recompute)
}


class Progress(_Message):
    """How far one piece of work is."""

    event: Literal["progress"] = "progress"
    label: str
    """What is being done, in the words of who does it."""
    done: float
    total: float | None
    """None if not known."""
    unit: str
    rate: float | None = None
    """Units a second."""
    seconds_left: float | None = None
    parts: tuple[Progress, ...] = ()
    """Of an evaluation: the same of each benchmark."""


class Phase(_Message):
    """A phase of a request began; for people, and for whoever waits."""

    event: Literal["phase"] = "phase"
    name: str


@dataclass(frozen=True)
class Reply:
    """The end of a request: a result or an error."""

    id: int
    result: dict[str, object] | None
    error: ErrorData | None


def encode_hello() -> bytes:
    """Return the first line of either end."""
    return Hello().model_dump_json().encode() + b"\n"


def decode_hello(line: bytes) -> Hello | None:
    """Return the greeting in a line; None if it is another message, as of versions that did not greet."""
    try:
        return Hello.model_validate_json(line)
    except ValueError:
        return None


def encode_request(request_id: int, request: Request[Any]) -> bytes:
    """One line for the worker's stdin."""
    message = {"id": request_id, "method": request.method, "params": request.model_dump(mode="json")}
    return json.dumps(message).encode() + b"\n"


def decode_request(line: bytes) -> tuple[int, AnyRequest]:
    """Return the request in a line.

    Raises:
        ValueError: the line is not a request (pydantic.ValidationError is one).
    """
    message = json.loads(line)
    try:
        cls = REQUESTS[message["method"]]
        return int(message["id"]), cls.model_validate_json(json.dumps(message["params"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a request of this version: {error!r}") from error


def encode_reply(request_id: int, answer: BaseModel) -> bytes:
    """One line for the worker's stdout: a result, or an error if ``answer`` is one."""
    key = "error" if isinstance(answer, ErrorData) else "result"
    return f'{{"id": {request_id}, "{key}": {answer.model_dump_json()}}}\n'.encode()


def encode_event(event: Progress | Phase) -> bytes:
    """One line for the worker's stdout."""
    return event.model_dump_json().encode() + b"\n"


def decode_answer(line: bytes) -> Hello | Reply | Progress | Phase:
    """Return the greeting, event or reply in a line of the worker's stdout.

    Raises:
        ValueError: the line is none.
    """
    message = mask_data(json.loads(line))
    if not isinstance(message, dict):
        raise ValueError("not a message")  # noqa: TRY004 - every malformed line is a ValueError
    if "protocol" in message:
        return Hello.model_validate(message)
    if message.get("event") == "progress":
        return Progress.model_validate(plain_data(message))
    if message.get("event") == "phase":
        return Phase.model_validate(plain_data(message))
    return _reply(message)


def _reply(message: dict[str, Any]) -> Reply:
    if not isinstance(message.get("id"), int) or ("result" in message) == ("error" in message):
        raise ValueError("neither an event nor a reply")
    error = ErrorData.model_validate(plain_data(message["error"])) if "error" in message else None
    return Reply(message["id"], message.get("result"), error)
