"""Tries whether a model's tensors all find their place, by the headers of its files, before its weights are fetched.

transformers itself loads tensors that have names and shapes and no numbers, so that what it renames, ties and puts
together is known here as it is there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchy.backends import find_backend
from benchy.checkpoint.checkpoint import open_checkpoint, read_checkpoint
from benchy.checkpoint.layouts import LAYOUTS
from benchy.checkpoint.source import HubModel
from benchy.checkpoint.weights import TensorInfo
from benchy.config import BenchmarkConfig
from benchy.errors import ModelLoadError
from benchy.worker.hf.load_report import refusing_random_weights

logger = logging.getLogger(__name__)

OTHER_WAYS = {"gguf_file", "autogptq", "gptqmodel", "subfolder", "key_mapping", "ignore_mismatched_sizes", "backend"}
"""Arguments with which the model is made otherwise than here."""


def require_whole_weights(config: BenchmarkConfig) -> None:
    """Refuse a model on the Hub of which a tensor is missing.

    What cannot be tried so (remote code, a quantizer that asks for a GPU) is found when the model is loaded. Preflight
    knows the common architectures already.

    Raises:
        ModelLoadError: a tensor is missing, or has another shape than the config.json says.
        AccessDenied, NetworkError, ModelNotFound: the headers cannot be read.
    """
    if not find_backend(config.model.backend).reads_checkpoint or config.model.args.keys() & OTHER_WAYS:
        return
    source = open_checkpoint(config)
    if not isinstance(source, HubModel):
        return
    checkpoint = read_checkpoint(config.model, source)
    if checkpoint.config is None or not checkpoint.have_headers or checkpoint.config.model_type in LAYOUTS:
        return
    _try(source.read("config.json").parent, checkpoint.tensors, config.model.name)


def _try(folder: Path, headers: Mapping[str, TensorInfo], name: str) -> None:
    try:
        with refusing_random_weights():
            _load(folder, headers)
    except ModelLoadError:
        raise
    except Exception as error:  # noqa: BLE001 - transformers raises whatever the model's own parts do
        logger.info("Whether the weights of %s are whole is seen when they are loaded: %s", name, error)


def _load(folder: Path, headers: Mapping[str, TensorInfo]) -> None:
    import torch
    from transformers import AutoConfig
    from transformers.models.auto import modeling_auto

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    kinds: tuple[Any, ...] = (
        modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,  # lm-eval's own order
        modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING,
    )
    model = next(kind[type(config)] for kind in kinds if type(config) in kind)
    tensors = {name: torch.empty(info.shape, device="meta") for name, info in headers.items()}
    model.from_pretrained(None, config=config, state_dict=tensors, device_map={"": "meta"})
