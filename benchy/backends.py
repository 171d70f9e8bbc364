"""Back ends: one row a model type of lm-eval's, with what it is, what it needs and what it can do."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchy.plugins import load_plugin

PARTS = ("tokenizer", "peft", "delta", "pretrained")
"""lm-eval's model arguments that may name repositories of their own."""
KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TEXTSYNTH_API_SECRET_KEY")
"""The variables in which lm-eval's model types look for a server's key."""
GROUP = "benchy.backends"
"""The group of entry points by which another package brings a back end: each is a :class:`Backend`."""
SERVER_HINT = (
    "check base_url and the rest of model.args, the server's log, and its key in the environment "
    "(OPENAI_API_KEY for most); the traceback is in the log"
)
_BY_GPU_COUNT = "set tensor_parallel_size or data_parallel_size in model.args"
_BY_REQUESTS = "how many requests go out at a time is num_concurrent in model.args"
_ALL_WAYS = frozenset({"use_accelerate", "replicas", "parallelize"})


@dataclass(frozen=True)
class Backend:
    """One model type. What is not said is true of a model behind a server."""

    name: str
    """As ``model.backend`` says it."""
    lm_eval_name: str | None = None
    """lm-eval's own name of it, which stands beside the scores; the same if not given."""
    model_class: str | None = None
    """``package.module:Class`` of a subclass of lm-eval's ``LM``; if not given, the one that lm-eval registers."""
    adapter: str | None = None
    """``package.module:Class`` of a :class:`benchy.worker.backends.loaded_model.LoadedModel`, which says in the worker
    what lm-eval's interface does not; if not given, the one for that class of lm-eval's."""
    loads_weights: bool = False
    """Whether it loads weights in the worker, rather than asking a server."""
    reads_checkpoint: bool = False
    """Whether transformers loads a checkpoint by its config.json, adapters too."""
    ways: frozenset[str] = frozenset()
    """The keys of ``performance`` by which it can use several GPUs."""
    several_at_once: str = _BY_REQUESTS
    """How it is told to do several things at once."""
    spreading: str = "performance.parallelize: true"
    """How it is told to spread one model over several GPUs."""
    adapter_argument: str | None = None
    """The model argument that names an adapter (LoRA), where it takes one by hand alone."""
    emulates_bfloat16: bool = True
    """Whether it computes bfloat16 on a GPU that has none."""
    package: str | None = None
    """What must be installed where the worker runs."""
    minimum_version: str | None = None
    """The lowest version of that package that works."""
    how_to_get: str | None = None
    """What to do where the package is missing; if not given, ``pip install``."""
    keys: tuple[str, ...] = KEYS
    """The variables with a server's key."""
    engine: str | None = None
    """The library that computes, as other leaderboards name it; the back end's own name if not given."""

    @property
    def trouble_hint(self) -> str:
        """What to do where a model does not load or speak; nothing for weights, of which the error's own hint is."""
        return "" if self.loads_weights else SERVER_HINT

    def server_keys(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the keys in an environment, by their names; none for a model whose own code could read them."""
        if self.loads_weights:
            return {}
        return {name: environment[name] for name in self.keys if name in environment}

    def problem_with(self, ways: Sequence[str]) -> str | None:
        """Say which of the configured ways to use several GPUs it does not know; None if it knows them all."""
        for way in ways:
            if way not in self.ways:
                return f'"performance.{way}" is for the back end hf, not {self.name}; {self.several_at_once}'
        return None


_TRANSFORMERS = Backend(name="hf", loads_weights=True, reads_checkpoint=True, ways=_ALL_WAYS, engine="transformers")
_OF_IMAGES_AND_SOUND = replace(_TRANSFORMERS, reads_checkpoint=False)
_OTHER_WEIGHTS = Backend(name="", loads_weights=True)
_ON_GPUS = replace(
    _OTHER_WEIGHTS,
    several_at_once=_BY_GPU_COUNT,
    spreading="tensor_parallel_size in model.args",
    emulates_bfloat16=False,
)
_VLLM = replace(
    _ON_GPUS,
    adapter="benchy.worker.backends.vllm:VllmModel",
    adapter_argument="lora_local_path",
    package="vllm",
    minimum_version="0.32",
    how_to_get="`make vllm` makes an environment with it, whose Python `worker.python` names; for containers, build "
    "Dockerfile.gpu with --build-arg EXTRAS=vllm",
)

BACKENDS = {
    row.name: row
    for row in (
        replace(_TRANSFORMERS, model_class="benchy.worker.hf.model:FastHFLM"),
        replace(_TRANSFORMERS, name="hf-stock", lm_eval_name="hf"),
        *(replace(_TRANSFORMERS, name=name) for name in ("hf-auto", "huggingface")),
        *(replace(_OF_IMAGES_AND_SOUND, name=name) for name in ("hf-multimodal", "hf-mistral3", "hf-audiolm-qwen")),
        *(
            replace(_OTHER_WEIGHTS, name=name)
            for name in ("steered", "mamba_ssm", "ipex", "neuronx", "openvino", "habana")
        ),
        replace(_VLLM, name="vllm"),
        replace(_VLLM, name="vllm-vlm", adapter_argument=None),
        replace(_ON_GPUS, name="sglang"),
        *(
            Backend(name)
            for name in (
                "anthropic-chat", "anthropic-chat-completions", "anthropic-completions", "ggml", "gguf", "litellm",
                "litellm-chat", "litellm-chat-completions", "local-chat-completions", "local-completions",
                "openai-chat-completions", "openai-completions", "sglang-generate", "textsynth", "watsonx_llm",
            )
        ),
    )
}  # fmt: skip
"""Each by its name. lm-eval knows more model types: they are taken for servers."""


def known_backend(name: str) -> Backend:
    """Return the row of a name, or that of a server: code of no other package is imported, whoever wrote the name."""
    return BACKENDS.get(name) or Backend(name)


@functools.cache
def find_backend(name: str) -> Backend:
    """Return the row that ``model.backend`` names: Benchy's own, or that of another package.

    Raises:
        ConfigError: it is another package's, and cannot be loaded.
    """
    if name in BACKENDS:
        return BACKENDS[name]
    brought = load_plugin(name, Backend, group=GROUP, key="model.backend")
    return replace(brought, name=name, lm_eval_name=brought.lm_eval_name or brought.name) if brought else Backend(name)
