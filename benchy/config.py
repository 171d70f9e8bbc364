"""BenchmarkConfig: all that a YAML file may say."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from benchy import __version__
from benchy.config_mistakes import AUTO, MOUNT, SIZE, KeyPath, describe_mistakes, key_lines, type_name
from benchy.errors import ConfigError

LM_EVAL_SEEDS = (0, 1234, 1234, 1234)
"""lm-eval's defaults."""
UPLOAD_TOKEN = "HF_UPLOAD_TOKEN"  # noqa: S105 - the name of a variable
WANDB_KEY = "WANDB_API_KEY"
_READ_TOKENS = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"}
"""What huggingface_hub and its predecessors read by themselves."""
_DATA_SET = re.compile(r"hf://datasets/(?P<name>[\w.-]+/[\w.-]+)")
_FIX_FILE = "fix the file, then try again"


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


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_Name = Annotated[str, Field(min_length=1)]


_Bytes = Annotated[str, Field(pattern=SIZE)]
_Volume = Annotated[str, Field(pattern=MOUNT)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class ModelConfig(_Section):
    """Which model, and how it is loaded. What is not set is lm-eval's own default."""

    name: _Name
    """A repository on the Hugging Face Hub (``org/name``) or a local folder with weights."""
    revision: str | None = None
    """Branch, tag or commit; resolved to a commit once, before anything is loaded."""
    dtype: Literal["auto", "float16", "bfloat16", "float32", "float64"] | None = None
    """The weights' type after loading, as torch names it; ``auto`` is the type in which they are stored."""
    max_length: Annotated[int, Field(gt=0)] | None = None
    """Longest input in tokens; longer ones are cut from the left."""
    trust_remote_code: bool = False
    """Whether Python code from the model's repository may run."""
    backend: _Name = "hf"
    """lm-eval's name of the model type: ``hf``, ``vllm``, ``local-completions``, ...

    ``hf`` computes what log-likelihood requests share only once, within 1e-4 of plain lm-eval in float32 and not to the
    last digit; ``hf-stock`` is plain lm-eval.
    """
    args: dict[str, Any] = Field(default_factory=dict)
    """More arguments of that model type, passed through to lm-eval."""

    @property
    def lm_eval_backend(self) -> str:
        """The same, where two ways to compute one thing are no matter."""
        return "hf" if self.backend == "hf-stock" else self.backend


class EvaluationConfig(_Section):
    """What is evaluated, and how; the names are lm-eval's."""

    tasks: Annotated[tuple[_Name, ...], BeforeValidator(_split_names)]
    """Benchmarks, groups or tags: a list, or one string with commas."""
    device: str = "cuda"
    """A torch device; ignored when ``performance.use_accelerate`` is true."""
    batch_size: Annotated[int, Field(gt=0)] | Annotated[str, Field(pattern=AUTO)] = 1
    """Requests per forward pass, ``auto``, or ``auto:N`` to measure anew N times in a run."""
    max_batch_size: Annotated[int, Field(gt=0)] | None = None
    """Where ``auto`` starts."""
    num_fewshot: Annotated[int, Field(ge=0)] | None = None
    """Worked examples before each question; the benchmark's own number if not set."""
    limit: Annotated[int, Field(gt=0)] | Annotated[float, Field(gt=0, lt=1)] | None = None
    """Only so many documents (or that fraction) of each benchmark. Marks the run as a test."""
    apply_chat_template: bool | str = False
    """Put prompts into the tokenizer's chat template; a string names one of several."""
    fewshot_as_multiturn: bool | None = None
    """Worked examples as turns of a conversation; lm-eval's default if not set."""
    system_instruction: str | None = None
    """A system message before each prompt."""
    gen_kwargs: dict[str, Any] | str | None = None
    """Arguments of generation (``temperature=0,max_gen_toks=64``) over the benchmarks' own."""
    include_path: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ()
    """Folders with lm-eval task files of your own."""
    seed: Annotated[int, Field(ge=0)] | Annotated[tuple[int, int, int, int], BeforeValidator(_as_tuple)] | None = None
    """One seed, or four for Python, numpy, torch and few-shot sampling; lm-eval's are 0, 1234, 1234, 1234."""
    confirm_run_unsafe_code: bool = False
    """Allow benchmarks that run code that the model wrote."""
    cache_requests: bool = False
    """Keep built prompts between runs (lm-eval's request cache)."""
    log_samples: bool = True
    """Keep each document's prompt, answer and score."""
    output_path: _Name = "outputs"
    """Where each run gets its folder."""

    @property
    def seeds(self) -> tuple[int, int, int, int]:
        """For Python, numpy, torch and few-shot sampling; one number sets all four, as in lm-eval."""
        if self.seed is None:
            return LM_EVAL_SEEDS
        return (self.seed,) * 4 if isinstance(self.seed, int) else self.seed


class PerformanceConfig(_Section):
    """How many GPUs, and how they share the work."""

    use_accelerate: bool = False
    """Start one process a GPU with ``accelerate launch`` (data parallel)."""
    num_gpus: Annotated[int, Field(gt=0)] | None = None
    """How many GPUs; ``gpus`` says which, else a container gets those with the most free memory."""
    replicas: Annotated[int, Field(gt=0)] | None = None
    """Load the model so many times, each on its own GPU (or core); whichever is free takes the next requests."""
    parallelize: bool = False
    """Split one model over the GPUs, layer by layer (lm-eval's ``parallelize``), where one GPU does not hold it."""
    collective_timeout: Annotated[float, Field(gt=0)] = 1800
    """With ``use_accelerate``: for so many seconds a process waits for the others before it calls them stuck."""
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


class DownloadConfig(_Section):
    """How the model is fetched."""

    stall_seconds: Annotated[float, Field(gt=0)] = 60
    """Without a byte for so long, a transfer is started again."""
    files_at_once: Annotated[int, Field(gt=0)] = 8
    """How many files are fetched side by side."""


class LoggingConfig(_Section):
    """Where the log goes."""

    log_dir: _Name = "logs"
    """A folder; each run writes ``benchy_<model>_<timestamp>.log`` there."""


class UploadConfig(_Section):
    """Where the result is published, and what of it."""

    to: _Name
    """The leaderboard: a folder, or a data set on the Hugging Face Hub (``hf://datasets/org/name``)."""
    samples: bool = True
    """Publish each document's prompt, answer and score too; some data sets must not be published again."""
    model_card: bool = False
    """Also offer the scores to the model's own repository, as a pull request with ``.eval_results/*.yaml``."""
    token_env: _Name = UPLOAD_TOKEN
    """The environment variable with a token that may write to the data set; the GPU worker never sees it."""

    @field_validator("to")
    @classmethod
    def _refuse_other_addresses(cls, to: str) -> str:
        if "://" in to and not _DATA_SET.fullmatch(to):
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


class WandbConfig(_Section):
    """Where a run is shown at Weights & Biases, through lm-eval's own logger; needs the extra ``wandb``.

    ``upload.samples: false`` keeps prompts and answers back there too.
    """

    project: _Name
    """Made by the first run."""
    entity: _Name | None = None
    """The user or team that owns the project; the API key's own if not set."""
    group: _Name | None = None
    """Runs of one group are shown together."""
    tags: Annotated[tuple[_Name, ...], BeforeValidator(_as_tuple)] = ()
    """Labels of the run."""


class ContainerConfig(_Section):
    """The worker's container, with ``runtime: docker``."""

    image: _Name = f"benchy-gpu:{__version__}"
    """What ``docker build -f Dockerfile.gpu`` made."""
    shm_size: _Bytes = "8g"
    """Shared memory (/dev/shm), through which NCCL and data loaders talk; only what is used takes memory."""
    memory: _Bytes | None = None
    """The most memory (not the GPUs') that the worker may have; no limit if not set."""
    pids_limit: Annotated[int, Field(gt=0)] = 4096
    """The most processes and threads."""
    ulimits: dict[str, int] = Field(default_factory=dict)
    """``memlock: -1`` and the like, as ``docker run --ulimit`` names them; the engine's own if not set."""
    cache: _Name = "benchy-cache"
    """The named volume for weights, data sets and compiled kernels, shared by every run on this machine."""
    volumes: Annotated[tuple[_Volume, ...], BeforeValidator(_one_or_more)] = ()
    """More mounts: ``source:target`` or ``source:target:ro``; a source is an absolute path or a volume's name."""
    sandbox: bool = True
    """Cut the container off from the network once the model and the data are there; never for a model behind an API."""


class BenchmarkConfig(_Section):
    """One benchmark configuration: one YAML file."""

    model: ModelConfig
    evaluation: EvaluationConfig
    performance: PerformanceConfig = PerformanceConfig()
    download: DownloadConfig = DownloadConfig()
    logging: LoggingConfig = LoggingConfig()
    upload: UploadConfig | None = None
    """Without it the run ends with its record, and nothing is published."""
    wandb: WandbConfig | None = None
    """Weights & Biases beside the leaderboard, or in its place."""
    gpus: Annotated[tuple[int | str, ...], BeforeValidator(_as_tuple), Field(min_length=1)] | None = None
    """The GPUs to use: indices or UUIDs, as ``nvidia-smi -L`` lists them, or CDI names (``nvidia.com/gpu=0``)."""
    runtime: Literal["docker", "process"] | None = None
    """Where the GPU worker runs: a container, or a child process on this machine. If not set: a container where a
    Docker engine answers and ``gpus`` or ``performance.num_gpus`` asks for GPUs."""
    container: ContainerConfig = ContainerConfig()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        gpus, wanted = self.gpus, self.performance.num_gpus
        if gpus is not None and wanted is not None and len(gpus) != wanted:
            raise ValueError(f'"performance.num_gpus" is {wanted} but "gpus" names {len(gpus)}; change one or drop it')
        if gpus is not None and len(set(gpus)) != len(gpus):
            raise ValueError('"gpus" names the same GPU twice')
        if problem := self._replicas_problem() or self._backend_problem():
            raise ValueError(problem)
        on_cpu = self.evaluation.device == "cpu" and not self.performance.use_accelerate
        if on_cpu and (gpus or wanted or self.performance.parallelize):
            asked = "gpus" if gpus else "performance.num_gpus" if wanted else "performance.parallelize"
            raise ValueError(f'"evaluation.device" is cpu but "{asked}" asks for GPUs; change one or drop it')
        return self

    def _replicas_problem(self) -> str | None:
        replicas, given = self.performance.replicas, self.performance.num_gpus or len(self.gpus or ())
        if replicas is not None and given and given != replicas:
            return f'"performance.replicas" is {replicas} but {given} GPUs are named; each replica needs one'
        return None

    def _backend_problem(self) -> str | None:
        """Only lm-eval's Hugging Face models are shared out from outside."""
        backend, ways = self.model.backend, self.performance.ways
        if ways and not backend.startswith(("hf", "huggingface")):
            return f'"performance.{ways[0]}" is for the back end hf, not {backend}; {_sharing_of(backend)}'
        if "tp_plan" in self.model.args and ways:
            return f'"model.args.tp_plan" and "performance.{ways[0]}" are two ways to use several GPUs; drop one'
        return None

    @property
    def uses_gpus(self) -> bool:
        """Whether the model is meant to be on GPUs of the worker's machine."""
        return self.evaluation.device.startswith("cuda") or self.performance.use_accelerate

    @property
    def is_test(self) -> bool:
        """Whether this run is a test and never ranked: it sees only part of each benchmark."""
        return self.evaluation.limit is not None

    def with_upload_to(self, to: str | None) -> UploadConfig:
        """The section ``upload``, with another leaderboard if one is given.

        Raises:
            ConfigError: neither names one, or it is not valid.
        """
        if self.upload is None and to is None:
            raise ConfigError("the run's config names no leaderboard", hint="say --to LEADERBOARD")
        section = self.upload.model_dump() if self.upload else {}
        data = self.model_dump(mode="json") | {"upload": section | ({"to": to} if to else {})}
        upload = parse_config(data, source="--to").upload
        assert upload is not None  # noqa: S101 - just given
        return upload

    def with_overrides(
        self,
        *,
        limit: float | None = None,
        tasks: str | list[str] | None = None,
        gpus: list[int | str] | None = None,
        model: str | None = None,
    ) -> BenchmarkConfig:
        """This configuration with what was given on the command line or in the Prefect UI.

        GPUs are given to be used: with them, ``evaluation.device: cpu`` becomes ``cuda``.

        Raises:
            ConfigError: the result is not a valid configuration.
        """
        data = self.model_dump(mode="json")
        if limit is not None:
            data["evaluation"]["limit"] = int(limit) if limit == int(limit) else limit
        if tasks is not None:
            data["evaluation"]["tasks"] = tasks
        if gpus is not None:
            data["gpus"] = gpus
            if gpus and self.evaluation.device == "cpu":
                data["evaluation"]["device"] = "cuda"
        if model is not None:
            data["model"]["name"] = model
        return _require_tasks(parse_config(data, source="overrides"), source="overrides")


def _sharing_of(backend: str) -> str:
    if backend.startswith(("vllm", "sglang")):
        return "set tensor_parallel_size or data_parallel_size in model.args"
    return "how many requests go out at a time is num_concurrent in model.args"


def load_config(path: Path) -> BenchmarkConfig:
    """Read and check one YAML file.

    Raises:
        ConfigError: not readable, not YAML, or not valid; names the file, the line, the key and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_reason(error)}", hint=_nearest_file(path)) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = key_lines(node, source=str(path)) if node else {}
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    return _require_tasks(parse_config(data, source=str(path), lines=lines), source=str(path))


def _require_tasks(config: BenchmarkConfig, *, source: str) -> BenchmarkConfig:
    """Only `benchy test` evaluates nothing."""
    if not config.evaluation.tasks:
        raise ConfigError(f'{source}: "evaluation.tasks" is empty; expected at least one benchmark', hint=_FIX_FILE)
    return config


def parse_config(data: object, *, source: str, lines: dict[KeyPath, int] | None = None) -> BenchmarkConfig:
    """Check what a YAML file holds; ``lines`` gives the line of each key, for the errors.

    Raises:
        ConfigError: not valid.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected sections (model, evaluation, ...), got {type_name(data)}")
    try:
        return BenchmarkConfig.model_validate(data)
    except ValidationError as error:
        mistakes = describe_mistakes(error.errors(), BenchmarkConfig, lines or {})
        heading = [f"{len(mistakes)} problems"] if len(mistakes) > 1 else []
        raise ConfigError(f"{source}: " + "\n  ".join([*heading, *mistakes]), hint=_FIX_FILE) from error


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8 text"


def _nearest_file(path: Path) -> str:
    siblings = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1)
    if near:
        return f"did you mean {path.parent / near[0]}?"
    return f"files there: {', '.join(sorted(siblings))}" if siblings else "name a YAML file, e.g. configs/demo.yaml"
