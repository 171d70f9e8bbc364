"""Chooses what a worker may see of this process's environment: the variables of a list, and those of the config."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_NAMES = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TERM|LANG|LANGUAGE|TZ|TMPDIR|PWD|LC_\w+|XDG_\w+"
    r"|LD_LIBRARY_PATH|LD_PRELOAD|VIRTUAL_ENV|CONDA_PREFIX|PYTHON\w+|CC|CXX|CUDA_HOME|MALLOC_\w+"
    r"|(?:CUDA|NVIDIA|NCCL|GLOO|TORCH|TORCHINDUCTOR|PYTORCH|TRITON|VLLM|OMP|MKL|OPENBLAS|KMP|HIP|ROCR|HSA)_\w+"
    r"|(?:HF|TRANSFORMERS|TOKENIZERS|DATASETS|ACCELERATE|LM_HARNESS|LMEVAL|NLTK|TQDM|BENCHY|FAKE_GPUS)_\w+"
    r"|(?:HTTPS?|NO|ALL|https?|no|all)_(?:PROXY|proxy)|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
)
_SECRETS = re.compile(r".*(?:TOKEN|KEY|SECRET|PASSWORD|CREDENTIALS?)S?", re.IGNORECASE)


def passed_on(host: Mapping[str, str], more: Collection[str]) -> dict[str, str]:
    """Return the part of an environment for a worker.

    What finds programs, libraries, devices and caches, and no secret.
    """
    return {name: value for name, value in host.items() if name in more or _is_harmless(name)}


def _is_harmless(name: str) -> bool:
    return _NAMES.fullmatch(name) is not None and _SECRETS.fullmatch(name) is None
