"""Warns where scores are known to differ from what others measure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.worker.backends.loaded_model import LoadedModel

FewshotCounts = Mapping[str, int | None]


def fewshot_counts(tasks: Mapping[str, Any]) -> FewshotCounts:
    """Each benchmark's own number of worked examples, before the config's takes its place."""
    return {name: task.get_config("num_fewshot") for name, task in tasks.items()}


def find_drift(
    config: BenchmarkConfig, model: LoadedModel, tasks: Mapping[str, Any], fewshot: FewshotCounts
) -> tuple[str, ...]:
    """One sentence for each reason, after the evaluation; the tasks hold the requests and the answers."""
    found = [*_of_chat_template(config, model.lm), *_of_limit(config)]
    for name, task in tasks.items():
        found += [*_of_fewshot(config, name, fewshot), *_of_double_bos(model, name, task)]
    return tuple(found)


def _of_limit(config: BenchmarkConfig) -> Iterator[str]:
    if config.evaluation.limit is not None:
        yield f"limit is {config.evaluation.limit}: only a part of each benchmark was evaluated"


def _of_chat_template(config: BenchmarkConfig, lm: Any) -> Iterator[str]:
    has_template = bool(getattr(getattr(lm, "tokenizer", None), "chat_template", None))
    is_base = re.search(r"(^|[-_/.])(base|pt)($|[-_.])", config.model.name, re.IGNORECASE) is not None
    applied = bool(config.evaluation.apply_chat_template)
    if has_template and not is_base and not applied:
        yield "the model brings a chat template, and evaluation.apply_chat_template is not set"
    if applied and is_base:
        yield f"evaluation.apply_chat_template is set, and {config.model.name} seems to be a base model"


def _of_fewshot(config: BenchmarkConfig, name: str, fewshot: FewshotCounts) -> Iterator[str]:
    own, used = fewshot.get(name), config.evaluation.num_fewshot
    if used is not None and own and own != used:
        yield f"{name}: num_fewshot is {used}, and the benchmark's own is {own}"


def _of_double_bos(model: LoadedModel, name: str, task: Any) -> Iterator[str]:
    """Warn where the tokenizer puts one before a prompt that begins with one (lm-eval leaves it out where it can)."""
    context = task.instances[0].args[0] if task.instances else None
    if isinstance(context, str) and (bos := model.repeated_bos(context)):
        yield f"{name}: prompts begin with two {bos}; set add_bos_token: false in model.args"
