"""The sections of a config that say what is run, and how: model, evaluation, performance, ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from benchy import __version__
from benchy.backends import known_backend
from benchy.config.mistakes import AUTO
from benchy.config.values import (
    LM_EVAL_SEEDS,
    Arguments,
    ArgumentsAsText,
    Bytes,
    ChangePath,
    Count,
    FilePath,
    Name,
    Names,
    Section,
    Seed,
    Seeds,
    SeedsAsWritten,
    Volume,
    as_seeds,
    no_is_a_word,
    one_or_more,
    split_names,
)


class ModelConfig(Section):
    """Which model, and how it is loaded. What is not set is lm-eval's own default."""

    name: FilePath
    """A repository on the Hugging Face Hub (``org/name``) or a local folder with weights."""
    revision: str | None = None
    """Branch, tag or commit; resolved to a commit once, before anything is loaded."""
    dtype: Literal["auto", "float16", "bfloat16", "float32", "float64"] | None = None
    """The weights' type after loading, as torch names it; ``auto`` is the type in which they are stored."""
    max_length: Count | None = None
    """Longest input in tokens; longer ones are cut from the left."""
    trust_remote_code: bool = False
    """Whether Python code from the model's repository may run."""
    backend: Name = "hf"
    """lm-eval's name of the model type: ``hf``, ``vllm``, ``local-completions``, ...

    ``hf`` computes what log-likelihood requests share only once, within 1e-4 of plain lm-eval in float32 and not to the
    last digit; ``hf-stock`` is plain lm-eval.
    """
    args: Arguments = Field(default_factory=dict)
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

    tasks: Annotated[tuple[Name, ...], BeforeValidator(split_names, json_schema_input_type=Names)]
    """Benchmarks, groups or tags: a list, or one string with commas. Patterns (``mmlu_*``), files of one's own
    (``own/*.yaml``) and folders of them too, as ``lm_eval run`` takes them."""
    device: str = "cuda"
    """A torch device; ignored when ``performance.use_accelerate`` is true."""
    batch_size: Count | Annotated[str, Field(pattern=AUTO)] = 1
    """Requests per forward pass, ``auto``, or ``auto:N`` to measure anew N times in a run."""
    max_batch_size: Count | None = None
    """Where ``auto`` starts."""
    num_fewshot: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Worked examples before each question; the benchmark's own number if not set."""
    limit: Count | Annotated[float, Field(gt=0, lt=1)] | None = None
    """Only so many documents (or that fraction) of each benchmark. Marks the run as a test."""
    apply_chat_template: bool | str = False
    """Put prompts into the tokenizer's chat template; a string names one of several."""
    fewshot_as_multiturn: bool | None = None
    """Worked examples as turns of a conversation; lm-eval's default if not set."""
    system_instruction: str | None = None
    """A system message before each prompt."""
    gen_kwargs: ArgumentsAsText | None = None
    """Arguments of generation over the benchmarks' own: a section, or as lm-eval's command line takes them, pairs
    (``temperature=0,until=['a','b']``) or a JSON object."""
    include_path: Annotated[tuple[FilePath, ...], BeforeValidator(one_or_more, json_schema_input_type=Names)] = ()
    """Folders with lm-eval task files of your own."""
    seed: Annotated[Seed | Seeds, BeforeValidator(as_seeds, json_schema_input_type=SeedsAsWritten)] = None
    """One seed, or four for Python, numpy, torch and few-shot sampling; lm-eval's are 0, 1234, 1234, 1234.

    As there, ``None`` in the place of a seed sets none: ``0,None,1234,1234``.
    """
    confirm_run_unsafe_code: bool = False
    """Allow benchmarks that run code that the model wrote."""
    cache_requests: bool = False
    """Understood, and without effect: prompts are built anew in each run, from the benchmark and data as they are."""
    log_samples: bool = True
    """Keep each document's prompt, answer and score."""
    cluster: Name | None = None
    """The field of a document that several questions share, a passage: errors of a comparison then count passages.

    If not set it is found where a field is called so (``passage``, ``story``, ``context``, ``source_id``, ...).
    """
    output_path: FilePath = "outputs"
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
    num_gpus: Count | None = None
    """How many GPUs; ``gpus`` says which, else a container gets those with the most free memory."""
    replicas: Count | None = None
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
    mixed_precision: Annotated[Literal["no", "fp16", "bf16", "fp8"], BeforeValidator(no_is_a_word)] = "no"
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

    python: FilePath | None = None
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
    files_at_once: Count = 8
    """How many files are fetched side by side."""


class LoggingConfig(Section):
    """Where the log goes."""

    log_dir: FilePath = "logs"
    """A folder; each run writes ``benchy_<model>_<timestamp>.log`` there."""


class ContainerConfig(Section):
    """The worker's container, with ``runtime: docker``."""

    image: Name = f"benchy-gpu:{__version__}"
    """What ``docker build -f Dockerfile.gpu`` made."""
    shm_size: Bytes = "8g"
    """Shared memory (/dev/shm), through which NCCL and data loaders talk; only what is used takes memory."""
    memory: Bytes | None = None
    """The most memory (not the GPUs') that the worker may have; nine tenths of the machine's if not set."""
    pids_limit: Count = 4096
    """The most processes and threads."""
    ulimits: dict[str, Annotated[int, Field(ge=-1, lt=2**63)]] = Field(default_factory=dict)
    """``memlock: -1`` and the like, as ``docker run --ulimit`` names them; the engine's own if not set."""
    cache: Name = "benchy-cache"
    """The named volume for weights and datasets, shared by all runs; only the worker that fetches writes there."""
    volumes: Annotated[tuple[Volume, ...], BeforeValidator(one_or_more)] = ()
    """More mounts: ``source:target`` or ``source:target:ro``; a source is an absolute path or a volume's name."""
    sandbox: bool = True
    """Cut the container off from the network once the model and the data are there; never for a model behind an API."""
