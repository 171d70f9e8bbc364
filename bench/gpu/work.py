"""Makes what a GPU is given to do: a Llama with random weights in a folder, and benchmarks of random words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from bench.random_model import Shape, Words, model, tokenizer


@dataclass(frozen=True)
class Size:
    """How large the model is, and how much it is asked."""

    shape: Shape
    documents: int
    """Of each benchmark."""
    tokens: int
    """New tokens of each generated text."""
    batch: int


ON_GPU = Size(Shape(hidden=2048, layers=20, device="cuda", dtype="bfloat16"), documents=400, tokens=64, batch=16)
"""A model of 1.1 B parameters."""
REHEARSAL = Size(Shape(hidden=128, layers=2), documents=24, tokens=8, batch=4)
"""Small enough for a CPU, where the script is tried before a GPU is lent."""


def size_here() -> Size:
    """Return the size for this machine."""
    return ON_GPU if torch.cuda.is_available() else REHEARSAL


def make_model(folder: Path, size: Size) -> Path:
    """Write the model and its tokenizer as a checkpoint."""
    at = folder / "model"
    model(size.shape).save_pretrained(at)
    torch.cuda.empty_cache()
    tokenizer().save_pretrained(at)
    return at


def make_benchmarks(folder: Path, size: Size) -> Path:
    """Write three benchmarks: long shared contexts with four choices, letters after five shots, and generation."""
    at = folder / "tasks"
    at.mkdir()
    words = Words()
    _write(at, "gpu_choices", _choices(words, size.documents), CHOICES)
    _write(at, "gpu_letters", _letters(words, size.documents), CHOICES)
    _write(at, "gpu_texts", _prompts(words, size.documents // 2), _texts(size.tokens))
    return at


BENCHMARKS = "gpu_choices,gpu_letters,gpu_texts"
CHOICES: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_text": "{{text}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
}


def _texts(tokens: int) -> dict[str, Any]:
    return {
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": "w5",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": tokens, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }


def _write(folder: Path, name: str, documents: Iterator[dict[str, Any]], asked: dict[str, Any]) -> None:
    data = folder / f"{name}.jsonl"
    data.write_text("".join(f"{json.dumps(document)}\n" for document in documents), encoding="utf-8")
    task = {"task": name, "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}}}
    task |= {"test_split": "test", "metadata": {"version": 1.0}} | asked
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")


def _choices(words: Words, documents: int) -> Iterator[dict[str, Any]]:
    for number in range(documents):
        yield {"text": words(300), "choices": [words(4, 16) for _ in range(4)], "answer": number % 4}


def _letters(words: Words, documents: int) -> Iterator[dict[str, Any]]:
    examples, letters = words(600), [words(1) for _ in range(4)]
    for number in range(documents):
        yield {"text": f"{examples} {words(30, 70)}", "choices": letters, "answer": number % 4}


def _prompts(words: Words, documents: int) -> Iterator[dict[str, Any]]:
    return ({"text": words(50, 400)} for _ in range(documents))
