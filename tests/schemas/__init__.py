"""The JSON schemas of Every Eval Ever 0.3.0, as https://github.com/evaleval/every_eval_ever publishes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

_HERE = Path(__file__).parent


def every_eval_ever_problems(record: dict[str, Any], samples: Iterable[dict[str, Any]] = ()) -> list[str]:
    """Return what the schemas object to in a record and the rows of its samples file."""
    pairs = [("every_eval_ever", record), *(("every_eval_ever_samples", row) for row in samples)]
    return [
        f"{error.json_path}: {error.message}" for name, data in pairs for error in _validator(name).iter_errors(data)
    ]


def _validator(name: str) -> Draft7Validator:
    return Draft7Validator(json.loads((_HERE / f"{name}.json").read_text(encoding="utf-8")))
