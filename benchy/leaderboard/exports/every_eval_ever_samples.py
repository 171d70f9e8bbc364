"""The rows of single documents in the form of Every Eval Ever, which stand in a file beside a run's description."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchy.record import EvaluationResult
from benchy.results.samples import choices_of, prompt_of, read_samples

SCHEMA_VERSION = "0.3.0"


def sample_rows(
    described: Mapping[str, Any], evaluation: EvaluationResult, samples: Mapping[str, Path]
) -> Iterator[dict[str, Any]]:
    """One row for each document, filter and metric that gives a single number for a document."""
    known = {result["evaluation_result_id"] for result in described["evaluation_results"]}
    common = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": described["evaluation_id"],
        "model_id": described["model_info"]["id"],
    }
    for part in evaluation.benchmarks:
        for sample in read_samples(samples[part.name]) if part.name in samples else ():
            for metric in sample["metrics"]:
                result_id = result_id_of(part.name, metric, sample["filter"])
                if result_id in known and is_number(sample.get(metric)):
                    yield {
                        **common,
                        "evaluation_name": part.name,
                        "evaluation_result_id": result_id,
                        **_instance(sample),
                        "evaluation": {"score": sample[metric], "is_correct": sample[metric] == 1},
                    }


def _instance(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked and answered: of multiple choice the choice that the model finds most likely."""
    choices = choices_of(sample)
    prompt = prompt_of(sample)
    target = str(sample["target"])
    if choices and target.isdigit() and int(target) < len(choices):
        target = choices[int(target)]
    answers = [_most_likely(choices, sample["filtered_resps"])] if choices else _asas_details(sample["resps"])
    extracted = answers[0] if choices else next(iter(_asas_details(sample["filtered_resps"])), "")
    return {
        "sample_id": str(sample["doc_id"]),
        "sample_hash": hashlib.sha256(f"{prompt}{[target]}".encode()).hexdigest(),
        "interaction_type": "single_turn",
        "metadata": as_details({name: sample.get(name) for name in ("doc_hash", "prompt_hash", "target_hash")}),
        "input": {"raw": prompt, "formatted": prompt, "reference": [target], "choices": choices or None},
        "output": {"raw": answers},
        "messages": None,
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": extracted,
                "extraction_method": "most likely choice" if choices else sample["filter"],
                "is_terminal": True,
            }
        ],
    }


def _most_likely(choices: Sequence[str], responses: Sequence[Sequence[str]]) -> str:
    """By the log-likelihood of the whole continuation, as in lm-eval's ``acc``."""
    return max(zip(choices, responses, strict=False), key=lambda pair: float(pair[1][0]))[0]


def _asas_details(responses: object) -> list[str]:
    """lm-eval nests what a model said by request and repeat."""
    if isinstance(responses, list):
        return [text for response in responses for text in _asas_details(response)]
    return [str(responses)]


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def result_id_of(benchmark: str, metric: str, filter_name: str) -> str:
    return f"{benchmark}/{metric},{filter_name}"


def as_details(details: Mapping[str, object]) -> dict[str, str]:
    """Return details as texts, as the schema wants them; what is not known is left out."""
    return {name: str(value) for name, value in details.items() if value is not None}
