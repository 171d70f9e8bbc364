"""A Hugging Face model type for lm-eval that computes every shared prefix once: ``hf-fast``.

``plan`` and ``pack`` decide, on plain arrays, what is computed together; ``budget`` bounds it by the memory that plain
lm-eval would take; ``forward`` computes; ``soundness`` says for which models that is right; ``model`` is the class.
"""

from __future__ import annotations

NAME = "hf-fast"


def register() -> None:
    """Make lm-eval know the model type; only its use imports torch."""
    from lm_eval.api.registry import model_registry

    if NAME not in model_registry:
        model_registry.register(NAME, target="benchy.worker.fast.model:FastHFLM")
