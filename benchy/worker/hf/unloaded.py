"""lm-eval's Hugging Face model without weights: it shows prompts as the model will see them, and is asked nothing."""

from __future__ import annotations

from typing import Any

from lm_eval.api.model import TemplateLM
from lm_eval.models.huggingface import HFLM


class UnloadedHFLM(HFLM):  # type: ignore[misc]
    """Its tokenizer and its chat template."""

    def __init__(self, pretrained: str, **arguments: Any) -> None:
        """Load the tokenizer as ``HFLM`` does; raises whatever transformers raises."""
        TemplateLM.__init__(self)
        thinking = arguments.get("enable_thinking")
        of_thinking = {} if thinking is None else {"enable_thinking": thinking}
        self.chat_template_args = (arguments.get("chat_template_args") or {}) | of_thinking
        self._rank, self._world_size = 0, 1
        self.add_bos_token = arguments.get("add_bos_token")
        self.custom_prefix_token_id = arguments.get("prefix_token_id")
        taken = ("subfolder", "trust_remote_code", "use_fast_tokenizer", "gguf_file", "add_bos_token")
        own = {name: arguments[name] for name in taken if name in arguments}
        self._create_tokenizer(
            pretrained, arguments.get("tokenizer"), revision=str(arguments.get("revision", "main")), **own
        )
