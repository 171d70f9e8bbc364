"""Back ends: which of lm-eval's model types load weights, and what each can do."""

from __future__ import annotations

from collections.abc import Mapping

PARTS = ("tokenizer", "peft", "delta", "pretrained")
"""lm-eval's model arguments that may name repositories of their own."""


def sharing_of(backend: str) -> str:
    """Say how such a back end is told to do several things at once."""
    if backend.startswith(("vllm", "sglang")):
        return "set tensor_parallel_size or data_parallel_size in model.args"
    return "how many requests go out at a time is num_concurrent in model.args"


def spreading_of(backend: str) -> str:
    """Say how such a back end is told to spread one model over several GPUs."""
    if backend.startswith(("vllm", "sglang")):
        return "tensor_parallel_size in model.args"
    return "performance.parallelize: true"


NATIVE_ONLY = {"vllm", "vllm-vlm", "sglang"}
"""These refuse what torch emulates."""
HF_BACKENDS = {"hf", "hf-stock", "hf-auto", "huggingface"}

LOCAL_BACKENDS = {
    "hf", "hf-stock", "hf-auto", "huggingface", "hf-multimodal", "hf-mistral3", "hf-audiolm-qwen", "steered",
    "vllm", "vllm-vlm", "sglang", "mamba_ssm", "ipex", "neuronx", "openvino", "habana",
}  # fmt: skip
"""lm-eval's model types that load weights themselves; the others speak to a server."""


SERVER_HINT = (
    "check base_url and the rest of model.args, the server's log, and its key in the environment "
    "(OPENAI_API_KEY for most); the traceback is in the log"
)


def trouble_hint(backend: str) -> str:
    """What to do where a model does not load or speak; nothing for weights, of which the error's own hint is."""
    return "" if loads_weights(backend) else SERVER_HINT


def loads_weights(backend: str) -> bool:
    """Whether the back end loads weights, rather than asking a server."""
    return backend in LOCAL_BACKENDS


KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TEXTSYNTH_API_SECRET_KEY")
"""The variables in which lm-eval's model types look for one."""


def server_keys(backend: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in an environment, by their names; none for a model whose own code could read them."""
    return {} if loads_weights(backend) else {name: environment[name] for name in KEYS if name in environment}
