"""TokenizedModel: a model whose tokenizer is in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchy.worker.backends.loaded_model import LoadedModel


class TokenizedModel(LoadedModel):
    """What is known of texts and their tokens, wherever the weights are."""

    def count_tokens(self, text: str) -> int:
        """Return the tokenizer's count."""
        return len(self.lm.tok_encode(text))

    def repeated_bos(self, text: str) -> str | None:
        """Return the token with which a prompt begins twice."""
        tokenizer = self.lm.tokenizer
        if tokenizer.bos_token_id is None or self.lm.tok_encode(text)[:2] != [tokenizer.bos_token_id] * 2:
            return None
        return str(tokenizer.bos_token)

    def most_generated(self, arguments: Mapping[str, Any]) -> int:
        """Return the number as lm-eval reads it of the arguments."""
        from lm_eval.models.utils import normalize_gen_kwargs

        return int(normalize_gen_kwargs(dict(arguments), self.lm.max_gen_toks)["max_gen_toks"])
