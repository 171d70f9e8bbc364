"""What the JSON files of a checkpoint say of its model, read once and typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from benchy.checkpoint.shape import Shape, count_layers, read_shape


@dataclass(frozen=True)
class ConfigFile:
    """A model's config.json."""

    model_type: str | None
    """transformers' name of the architecture."""
    brings_code: bool
    """Whether Python code in the repository makes the model (``auto_map``)."""
    stored_dtype: str | None
    """torch's name of the type that its weights are said to have."""
    is_fp8: bool
    """Whether the weights are said to be stored in 8-bit floating point."""
    ties_embeddings: bool | None
    """Whether input and output embeddings are one; None if it does not say so."""
    layers: int | None
    """How many layers it names at its top; None if it names none there."""
    shape: Shape | None
    """None for an architecture that says it in other words."""

    @classmethod
    def parse(cls, said: dict[str, Any]) -> Self:
        """Parse what the file holds; values of other types than expected count as not said.

        Raises:
            ModelLoadError: a number is larger than that of any model.
        """
        kind, dtype = said.get("model_type"), said.get("dtype") or said.get("torch_dtype")  # older ones say torch_dtype
        quantization, tied = said.get("quantization_config"), said.get("tie_word_embeddings")
        return cls(
            model_type=kind if isinstance(kind, str) else None,
            brings_code="auto_map" in said,
            stored_dtype=dtype if isinstance(dtype, str) else None,
            is_fp8=isinstance(quantization, dict) and quantization.get("quant_method") in ("fp8", "fbgemm_fp8"),
            ties_embeddings=None if tied is None else bool(tied),
            layers=count_layers(said),
            shape=read_shape(said),
        )


@dataclass(frozen=True)
class AdapterFile:
    """An adapter's adapter_config.json."""

    base: str | None
    """The model that the adapter is loaded upon: a repository on the Hub or a folder."""
    revision: str | None
    """Of that; None for the newest commit."""

    @classmethod
    def parse(cls, said: dict[str, Any]) -> Self:
        """Parse what the file holds; values of other types than expected count as not said."""
        base, revision = said.get("base_model_name_or_path"), said.get("revision")
        return cls(
            base=base if isinstance(base, str) and base else None,
            revision=revision if isinstance(revision, str) else None,
        )


def chat_template_names(said: dict[str, Any]) -> set[str]:
    """Return the names of the chat templates in a tokenizer_config.json; the main one is ``default``."""
    template = said.get("chat_template")
    several = template if isinstance(template, list) else []
    names = {str(one.get("name")) for one in several if isinstance(one, dict)}
    return names | ({"default"} if isinstance(template, str) and template else set())
