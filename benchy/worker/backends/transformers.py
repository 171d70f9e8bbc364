"""TransformersModel: a torch module in this process, of lm-eval's Hugging Face model type or a subclass."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchy.backends import Backend
from benchy.errors import ModelTestFailed
from benchy.record import Scoring
from benchy.worker.backends.loaded_model import Measured
from benchy.worker.backends.texts import mark_by_tokens
from benchy.worker.backends.tokenized import TokenizedModel


class TransformersModel(TokenizedModel):
    """Batches, logits, weights and tokenizer of the model are in this process."""

    batched = True
    requests_at_once = None
    non_finite_hint = (
        "set model.dtype to bfloat16 or float32, in which large numbers do not overflow, or look at the weights"
    )

    def __init__(self, lm: Any, backend: Backend) -> None:
        super().__init__(lm, backend)
        self.reads_last_scored = lm.backend != "causal"
        self.is_seq2seq = lm.backend == "seq2seq"

    def prepare(self) -> None:
        """Also mark what is cut."""
        mark_by_tokens(self.lm)
        super().prepare()

    @property
    def scoring(self) -> Scoring:
        """The faster way, or lm-eval's own with the reason."""
        from benchy.worker.hf.model import FastHFLM

        if not isinstance(self.lm, FastHFLM):
            return Scoring(way="stock")
        return Scoring(way="fast" if self.lm.stock_reason is None else "stock", reason=self.lm.stock_reason)

    def refuse_broken(self, text: str, prompt: Any, *, scored: bool) -> None:  # noqa: ARG002
        """Refuse a model whose logits are no numbers, or all the same.

        Raises:
            ModelTestFailed: they are.
        """
        _refuse_broken_logits(self.lm, prompt)
        _ = self.scoring  # if it is the slower way, the log says so now

    def proves_life(self, prompt: Any) -> bool:  # noqa: ARG002
        """Return true: its logits were looked at."""
        return True

    def measured(self) -> Measured:
        """Return the sizes; tied parameters count once, and packed 4-bit ones as what they hold."""
        model = self.lm.model
        return Measured(int(model.num_parameters()), _bytes_by_dtype(model), str(self.lm.device))


def _refuse_broken_logits(lm: Any, prompt: str) -> None:
    """Refuse a model that computes no numbers, or the same one for every token.

    Raises:
        ModelTestFailed: it does.
    """
    import torch

    if lm.AUTO_MODEL_CLASS is None or "CausalLM" not in lm.AUTO_MODEL_CLASS.__name__:
        return
    tokens = torch.tensor([lm.tok_encode(prompt)[-lm.max_length :]], device=lm.device)
    logits = lm._model_call(tokens)
    if torch.isnan(logits).any() or torch.isposinf(logits).any():
        raise ModelTestFailed(f"the logits after {prompt!r} are NaN or infinite")
    if logits.min() == logits.max():
        raise ModelTestFailed(f"after {prompt!r} all tokens have the same logit", hint="check the weights")


def _bytes_by_dtype(model: Any) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for parameter in model.parameters():
        sizes[str(parameter.dtype).removeprefix("torch.")] += parameter.numel() * parameter.element_size()
    return sizes
