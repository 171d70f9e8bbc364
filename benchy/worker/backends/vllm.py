"""VllmModel: a model that vLLM's own processes hold; what this one knows of it, from its files and vLLM's settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchy.checkpoint.checkpoint import read_checkpoint
from benchy.checkpoint.source import open_folder
from benchy.checkpoint.weights import BYTES, Weights
from benchy.config import ModelConfig
from benchy.worker.backends.loaded_model import Measured
from benchy.worker.backends.texts import mark_by_finish_reason
from benchy.worker.backends.tokenized import TokenizedModel


class VllmModel(TokenizedModel):
    """vLLM's model; it says its answers when it has all that it was asked."""

    def prepare(self) -> None:
        """Also mark what is cut."""
        mark_by_finish_reason(self.lm)
        super().prepare()

    def measured(self) -> Measured:
        """Return what the headers of the weights' files say, in the type in which vLLM holds them, and its device.

        Several copies (``data_parallel_size``) are in processes of Ray, and their settings too: nothing is known then.
        """
        engine = getattr(getattr(self.lm, "model", None), "llm_engine", None)
        if engine is None:
            return Measured()
        settings, model = engine.vllm_config, engine.vllm_config.model_config
        weights = _stored(Path(_folder(model.model, model.revision)))
        dtype = None if model.quantization else str(model.dtype).removeprefix("torch.")
        return Measured(
            parameters=weights.parameters if weights else None,
            bytes_by_dtype=_as_loaded(weights, dtype) if weights else {},
            device=str(settings.device_config.device_type),
        )


def _folder(name: str, revision: str | None) -> str:
    """Return where the files of a model lie; all of them were fetched."""
    from huggingface_hub import snapshot_download

    return name if Path(name).is_dir() else snapshot_download(name, revision=revision, local_files_only=True)


def _stored(folder: Path) -> Weights | None:
    return read_checkpoint(ModelConfig(name=str(folder)), open_folder(folder)).count_parameters()


def _as_loaded(weights: Weights, dtype: str | None) -> Mapping[str, int]:
    """Return the bytes by type once numbers with a point are of one type; quantized ones (None) stay as they are."""
    if dtype is None:
        return weights.bytes_by_dtype
    sizes: Counter[str] = Counter()
    for stored, count in weights.count_by_dtype.items():
        held = dtype if stored.startswith(("float", "bfloat")) else stored
        sizes[held] += count * BYTES[held]
    return sizes
