"""Keys of stored answers: hashes of what the model is asked."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterable
from typing import Any


def request_key(kind: str, arguments: Iterable[Any]) -> str:
    """Name a request by 128 bits of a hash over its kind and its arguments (images by their content).

    The form is that of lm-eval 0.4.13's own cache. It is written out here, since an answer that was kept by one release
    must be found, or not, by the next one for its content alone.

    Raises:
        TypeError: an argument is neither JSON, nor bytes, nor an image.
    """
    text = json.dumps([kind, *arguments], sort_keys=True, default=_content)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def prompts_hash(task: Any) -> str:
    """Hash (SHA-256) all that a benchmark asked the model as the model saw it, in its order."""
    keys = [request_key(one.request_type, one.args) for one in task.instances]
    return hashlib.sha256(json.dumps(keys).encode()).hexdigest()


def _content(value: object) -> dict[str, str]:
    """Stand in for what JSON does not hold."""
    if isinstance(value, bytes | bytearray):
        return {"__bytes_sha256__": hashlib.sha256(value).hexdigest()}
    images = sys.modules.get("PIL.Image")  # who has an image has imported it
    if images is not None and isinstance(value, images.Image):
        file = io.BytesIO()
        value.save(file, format="PNG")
        return {"__pil_image_sha256__": hashlib.sha256(file.getvalue()).hexdigest()}
    raise TypeError(f"a request holds one of type {type(value).__name__}, which has no content to hash")
