"""The sections of a config: model, evaluation, performance, upload, ..."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from benchy import __version__
from benchy.backends import known_backend
from benchy.config.mistakes import ADDRESS, AUTO, GPU, MOUNT, NO_NUL, SIZE
from benchy.frozen import FrozenModel

LM_EVAL_SEEDS = (0, 1234, 1234, 1234)
"""lm-eval's defaults."""
UPLOAD_TOKEN = "HF_UPLOAD_TOKEN"  # noqa: S105 - the name of a variable
WANDB_KEY = "WANDB_API_KEY"
_READ_TOKENS = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"}
"""What huggingface_hub and its predecessors read by themselves."""
_DATA_SET = re.compile(r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)")
_BROUGHT = re.compile(rf"(?P<address>{ADDRESS.strip('^$')})://(?P<place>.+)")


def _split_names(value: object) -> object:
    """``"a, b"`` and ``["a", "b"]`` both name two benchmarks, as in lm-eval."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",")]
    return tuple(value) if isinstance(value, list) else value


def _one_or_more(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _no_is_a_word(value: object) -> object:
    """YAML 1.1 reads an unquoted ``no`` as false."""
    return "no" if value is False else value


def as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _as_seeds(value: object) -> object:
    """lm-eval's ``0,None,1234,1234`` too: one is for all four, and after three comes its own last one."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    seeds = [_as_seed(part) for part in parts]
    return tuple(seeds * 4 if len(seeds) == 1 else [*seeds, *LM_EVAL_SEEDS[3:]] if len(seeds) == 3 else seeds)


def _as_seed(value: object) -> object:
    text = value.strip().lower() if isinstance(value, str) else ""
    return None if text == "none" else int(text) if text.isdecimal() else value


def _expand_home(path: str) -> str:
    """``~/runs`` is a folder of this user's, as in a shell."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 - pathlib raises RuntimeError of an unknown user
    if expanded.startswith("~"):
        raise ValueError(f'"{path}" names the home folder of nobody on this host')
    return expanded


def _require_json(arguments: dict[str, Any]) -> dict[str, Any]:
    """They are kept in the record and sent to the worker."""
    try:
        json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"what JSON cannot hold is no argument: {error}") from error
    return arguments


_Name = Annotated[str, Field(min_length=1, max_length=4096, pattern=NO_NUL)]
_Path = Annotated[_Name, AfterValidator(_expand_home)]
_Count = Annotated[int, Field(gt=0, lt=2**31)]
_Arguments = Annotated[dict[str, Any], AfterValidator(_require_json)]
GpuName = Annotated[int, Field(ge=0, lt=1000)] | Annotated[str, Field(max_length=200, pattern=GPU)]


_Seed = Annotated[int, Field(ge=0, lt=2**32)] | None
Seeds = tuple[_Seed, _Seed, _Seed, _Seed]
_SeedsAsWritten = int | str | None | tuple[int | str | None, ...]
_Names = str | tuple[str, ...]
"""As they may be written; what is read is checked more closely."""
_Bytes = Annotated[str, Field(pattern=SIZE)]
_Volume = Annotated[str, Field(pattern=MOUNT)]


ChangePath = Callable[[str], str]
"""Gives what stands for a path, or for a name that may be one."""


class Section(FrozenModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class ModelConfig(Section):
    """Which model, and how it is loaded. What is not set is lm-eval's own default."""

    name: _Path
    """A repository on the Hugging Face Hub (``org/name``) or a local folder with weights."""
    revision: str | None = None
    """Branch, tag or commit; resolved to a commit once, before anything is loaded."""
    dtype: Literal["auto", "float16", "bfloat16", "float32", "float64"] | None = None
    """The weights' type after loading, as torch names it; ``auto`` is the type in which they are stored."""
    max_length: _Count | None = None
    """Longest input in tokens; longer ones are cut from the left."""
    trust_remote_code: bool = False
    """Whether Python code from the model's repository may run."""
    backend: _Name = "hf"
    """lm-eval's name of the model type: ``hf``, ``vllm``, ``local-completions``, ...

    ``hf`` computes what log-likelihood requests share only once, within 1e-4 of plain lm-eval in float32 and not to the
    last digit; ``hf-stock`` is plain lm-eval.
    """
    args: _Arguments = Field(default_factory=dict)
    """More arguments of that model type, passed through to lm-eval."""

    @property
    def runs_own_code(self) -> bool:
        """Whether Python code of the model's repository may run: what its worker then says may be that code's words."""
        return self.trust_remote_code or bool(self.args.get("trust_remote_code"))

    @property
    def lm_eval_backend(self) -> str:
        """The same, where two ways to compute one thing are no matter."""
        return known_backend(self.backend).lm_eval_name or self.backend

    def at(self, revision: str) -> Self:
        """Return the same model at another revision."""
        return self._with(revision=revision)

    def renamed(self, name: str, *, revision: str | None) -> Self:
        """Return another model that is loaded in the same way."""
        return self._with(name=name, revision=revision)

    def with_args(self, args: Mapping[str, Any]) -> Self:
        """Return the same model with other arguments."""
        return self._with(args=dict(args))

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with its name and each text of its arguments changed."""
        args = {name: change(value) if isinstance(value, str) else value for name, value in self.args.items()}
        return self._with(name=change(self.name), args=args)


class EvaluationConfig(Section):
    """What is evaluated, and how; the names are lm-eval's."""

    tasks: Annotated[tuple[_Name, ...], BeforeValidator(_split_names, json_schema_input_type=_Names)]
    """Benchmarks, groups or tags: a list, or one string with commas."""
    device: str = "cuda"
    """A torch device; ignored when ``performance.use_accelerate`` is true."""
    batch_size: _Count | Annotated[str, Field(pattern=AUTO)] = 1
    """Requests per forward pass, ``auto``, or ``auto:N`` to measure anew N times in a run."""
    max_batch_size: _Count | None = None
    """Where ``auto`` starts."""
    num_fewshot: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Worked examples before each question; the benchmark's own number if not set."""
    limit: _Count | Annotated[float, Field(gt=0, lt=1)] | None = None
    """Only so many documents (or that fraction) of each benchmark. Marks the run as a test."""
    apply_chat_template: bool | str = False
    """Put prompts into the tokenizer's chat template; a string names one of several."""
    fewshot_as_multiturn: bool | None = None
    """Worked examples as turns of a conversation; lm-eval's default if not set."""
    system_instruction: str | None = None
    """A system message before each prompt."""
    gen_kwargs: _Arguments | str | None = None
    """Arguments of generation (``temperature=0,max_gen_toks=64``) over the benchmarks' own."""
    include_path: Annotated[tuple[_Path, ...], BeforeValidator(_one_or_more, json_schema_input_type=_Names)] = ()
    """Folders with lm-eval task files of your own."""
    seed: Annotated[
        _Seed | tuple[_Seed, _Seed, _Seed, _Seed], BeforeValidator(_as_seeds, json_schema_input_type=_SeedsAsWritten)
    ] = None
    """One seed, or four for Python, numpy, torch and few-shot sampling; lm-eval's are 0, 1234, 1234, 1234.

    As there, ``None`` in the place of a seed sets none: ``0,None,1234,1234``.
    """
    confirm_run_unsafe_code: bool = False
    """Allow benchmarks that run code that the model wrote."""
    cache_requests: bool = False
    """Understood, and without effect: prompts are built anew in each run, from the benchmark and data as they are."""
    log_samples: bool = True
    """Keep each document's prompt, answer and score."""
    cluster: _Name | None = None
    """The field of a document that several questions share, a passage: errors of a comparison then count passages.

    If not set it is found where a field is called so (``passage``, ``story``, ``context``, ``source_id``, ...).
    """
    output_path: _Path = "outputs"
    """Where each run gets its folder."""

    @property
    def seeds(self) -> Seeds:
        """For Python, numpy, torch and few-shot sampling; one number sets all four, as in lm-eval."""
        if self.seed is None:
            return LM_EVAL_SEEDS
        return (self.seed,) * 4 if isinstance(self.seed, int) else self.seed

    def with_chat_template(self, template: bool | str) -> Self:
        """Return it with prompts in another chat template, or in none."""
        return self._with(apply_chat_template=template)

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with the names of its benchmarks and folders changed."""
        tasks, include_path = tuple(map(change, self.tasks)), tuple(map(change, self.include_path))
        return self._with(tasks=tasks, include_path=include_path, output_path=change(self.output_path))


class PerformanceConfig(Section):
    """How many GPUs, and how they share the work."""

    use_accelerate: bool = False
    """Start one process a GPU with ``accelerate launch`` (data parallel)."""
    num_gpus: _Count | None = None
    """How many GPUs; ``gpus`` says which, else a container gets those with the most free memory."""
    replicas: _Count | None = None
    """Load the model so many times, each on its own GPU (or core); whichever is free takes the next requests."""
    parallelize: bool = False
    """Split one model over the GPUs, layer by layer (lm-eval's ``parallelize``), where one GPU does not hold it."""
    collective_timeout: Annotated[float, Field(gt=0, lt=10**9)] = 1800
    """With ``use_accelerate``: for so many seconds a process waits for the others before it calls them stuck."""
    load_timeout: Annotated[float, Field(gt=0, lt=10**9)] = 3600
    """For so many seconds the model may load."""
    prompt_timeout: Annotated[float, Field(gt=0, lt=10**9)] = 600
    """For so many seconds the model test waits for its answer, and a prompt may take in the chat template."""
    run_timeout: Annotated[float, Field(gt=0, lt=10**9)] = 604800
    """For so many seconds (a week) a run may go on; then it is ended, and gives its GPUs back."""
    mixed_precision: Annotated[Literal["no", "fp16", "bf16", "fp8"], BeforeValidator(_no_is_a_word)] = "no"
    """What ``accelerate launch --mixed_precision`` takes."""

    @property
    def ways(self) -> list[str]:
        """The keys by which several GPUs are used."""
        return [way for way in ("use_accelerate", "replicas", "parallelize") if getattr(self, way)]

    @model_validator(mode="after")
    def _refuse_two_ways(self) -> Self:
        if len(self.ways) > 1:
            two = " and ".join(f'"performance.{way}"' for way in self.ways[:2])
            raise ValueError(f"{two} are two ways to use several GPUs; drop one")
        return self


class WorkerConfig(Section):
    """In which environment the model's worker runs, with ``runtime: process``."""

    python: _Path | None = None
    """The Python of another environment, for a back end that cannot live beside Prefect (``make vllm`` makes one).

    Benchy must be installed there too, in this version. If not set, the variable BENCHY_WORKER_PYTHON names it; without
    both it is this Python. Results are published by this one in any case.
    """

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with its path changed."""
        return self._with(python=change(self.python)) if self.python else self


class DownloadConfig(Section):
    """How the model is fetched."""

    stall_seconds: Annotated[float, Field(gt=0, lt=10**9)] = 60
    """Without a byte for so long, a transfer is started again."""
    files_at_once: _Count = 8
    """How many files are fetched side by side."""


class LoggingConfig(Section):
    """Where the log goes."""

    log_dir: _Path = "logs"
    """A folder; each run writes ``benchy_<model>_<timestamp>.log`` there."""


class UploadConfig(Section):
    """Where the result is published, and what of it."""

    to: _Path
    """The leaderboard: a folder, or a data set on the Hugging Face Hub (``hf://datasets/org/name``).

    ``package.module:Class://PLACE`` is a store of another package (docs/extending.md).
    """
    samples: bool = True
    """Publish each document's prompt, answer and score too; some data sets must not be published again."""
    scores: bool = True
    """Publish each document's scores, with hashes in place of what was asked and answered: comparisons need no more."""
    model_card: bool = False
    """Also offer the scores to the model's own repository, as a pull request with ``.eval_results/*.yaml``."""
    token_env: _Name = UPLOAD_TOKEN
    """The environment variable with a token that may write to the data set; the GPU worker never sees it."""

    @field_validator("to")
    @classmethod
    def _refuse_other_addresses(cls, to: str) -> str:
        if "://" in to and not _DATA_SET.fullmatch(to) and not _BROUGHT.fullmatch(to):
            raise ValueError(f'"upload.to" is {to!r}; expected a folder or hf://datasets/ORG/NAME')
        return to

    @field_validator("token_env")
    @classmethod
    def _refuse_the_models_token(cls, name: str) -> str:
        if name in _READ_TOKENS:
            raise ValueError(
                f'"upload.token_env" is {name}, which code of the model can read; put the token that may write '
                f"to the leaderboard into another variable, e.g. {UPLOAD_TOKEN}"
            )
        return name

    @model_validator(mode="after")
    def _refuse_a_card_of_a_folder(self) -> Self:
        if self.model_card and self.data_set is None:
            raise ValueError(
                '"upload.model_card" needs a leaderboard on the Hub, which the scores can name as their source'
            )
        return self

    @property
    def data_set(self) -> str | None:
        """``org/name`` on the Hub; None for a folder."""
        found = _DATA_SET.fullmatch(self.to)
        return found["name"] if found else None

    @property
    def brought(self) -> tuple[str, str] | None:
        """Of a store of another package: ``package.module:Class``, and the place there."""
        found = _BROUGHT.fullmatch(self.to)
        return (found["address"], found["place"]) if found else None

    @property
    def folder(self) -> Path | None:
        """The folder; None if the leaderboard lies elsewhere."""
        return None if "://" in self.to else Path(self.to)

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with its leaderboard's address changed."""
        return self._with(to=change(self.to))


class WandbConfig(Section):
    """Where a run is shown at Weights & Biases, through lm-eval's own logger; needs the extra ``wandb``.

    ``upload.samples: false`` keeps prompts and answers back there too.
    """

    project: _Name
    """Made by the first run."""
    entity: _Name | None = None
    """The user or team that owns the project; the API key's own if not set."""
    group: _Name | None = None
    """Runs of one group are shown together."""
    tags: Annotated[tuple[_Name, ...], BeforeValidator(as_tuple)] = ()
    """Labels of the run."""


class ContainerConfig(Section):
    """The worker's container, with ``runtime: docker``."""

    image: _Name = f"benchy-gpu:{__version__}"
    """What ``docker build -f Dockerfile.gpu`` made."""
    shm_size: _Bytes = "8g"
    """Shared memory (/dev/shm), through which NCCL and data loaders talk; only what is used takes memory."""
    memory: _Bytes | None = None
    """The most memory (not the GPUs') that the worker may have; nine tenths of the machine's if not set."""
    pids_limit: _Count = 4096
    """The most processes and threads."""
    ulimits: dict[str, Annotated[int, Field(ge=-1, lt=2**63)]] = Field(default_factory=dict)
    """``memlock: -1`` and the like, as ``docker run --ulimit`` names them; the engine's own if not set."""
    cache: _Name = "benchy-cache"
    """The named volume for weights and datasets, shared by all runs; only the worker that fetches writes there."""
    volumes: Annotated[tuple[_Volume, ...], BeforeValidator(_one_or_more)] = ()
    """More mounts: ``source:target`` or ``source:target:ro``; a source is an absolute path or a volume's name."""
    sandbox: bool = True
    """Cut the container off from the network once the model and the data are there; never for a model behind an API."""
