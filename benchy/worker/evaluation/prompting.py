"""The account of how a model is prompted."""

from __future__ import annotations

import hashlib
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.record import Prompting


def prompting_of(config: BenchmarkConfig, lm: Any) -> Prompting:
    """Return what of each prompt is the model's own, and no part of the question."""
    wanted = config.evaluation.apply_chat_template
    if not wanted:
        return Prompting()
    template = lm.chat_template(wanted)  # empty behind an API, whose server has it
    return Prompting(
        chat_template=wanted if isinstance(wanted, str) else "default",
        chat_template_hash=hashlib.sha256(template.encode()).hexdigest() if template else None,
        fewshot_as_multiturn=config.evaluation.fewshot_as_multiturn is not False,
    )
