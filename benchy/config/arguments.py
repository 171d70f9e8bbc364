"""Reads arguments as lm-eval's command line takes them: ``temperature=0,until=['a','b']``, or a JSON object."""

from __future__ import annotations

import ast
import json
from typing import Any


def read_arguments(value: object) -> object:
    """Return the arguments that a text holds; what is no text is left as it is.

    Raises:
        ValueError: it is neither a JSON object nor ``key=value`` pairs.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"not valid JSON: {error}") from error
    pairs = [part.strip().partition("=") for part in _split(value) if part.strip()]
    if not all(sign for _, sign, _ in pairs):
        raise ValueError("expected key=value pairs with commas between them, or a JSON object")
    return {name.strip(): _read(text.strip()) for name, _, text in pairs}


def _split(text: str) -> list[str]:
    """Split at the commas that stand in no brackets and no quotation marks."""
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if sign == "," and not depth and not quote:
            parts.append("")
            continue
        parts[-1] += sign
        if quote or sign in "\"'":
            quote = "" if sign == quote else quote or sign
        else:
            depth = max(depth + (sign in "[({") - (sign in "])}"), 0)
    return parts


def _read(text: str) -> Any:
    """Return what one value means to lm-eval (``handle_cli_value_string`` of ``lm_eval/_cli/utils.py``)."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if text.isdecimal():
        return int(text)
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return json.loads(json.dumps(ast.literal_eval(text)))  # a tuple becomes the list that it is in the record
    except (TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
        return text
