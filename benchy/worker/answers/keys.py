"""Keys of stored answers: hashes of what the model is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def request_key(kind: str, arguments: Iterable[Any]) -> str:
    """What a request is known by: 128 bits of a hash over its kind and its arguments (images by their content)."""
    from lm_eval.api.model import _multimodal_cache_default

    text = json.dumps([kind, *arguments], sort_keys=True, default=_multimodal_cache_default)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def prompts_hash(task: Any) -> str:
    """SHA-256 over all that a benchmark asked the model as the model saw it, in its order."""
    keys = [request_key(one.request_type, one.args) for one in task.instances]
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()
