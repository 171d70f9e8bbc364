"""Finds what is wrong with a benchmark's YAML before anything is fetched: lm-eval says it only while it runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateSyntaxError

from benchy.benchmarks.files import BUILDERS
from benchy.benchmarks.local_files import texts_in
from benchy.errors import ConfigError

TASK_KEYS = frozenset({
    "class", "custom_dataset", "dataset_kwargs", "dataset_name", "dataset_path", "description", "doc_to_audio",
    "doc_to_choice", "doc_to_decontamination_query", "doc_to_image", "doc_to_target", "doc_to_text", "fewshot_config",
    "fewshot_delimiter", "fewshot_split", "filter_list", "gen_prefix", "generation_kwargs", "group", "include",
    "metadata", "metric_list", "num_fewshot", "output_type", "process_docs", "process_results", "repeats",
    "should_decontaminate", "tag", "target_delimiter", "task", "task_alias", "task_list", "test_split",
    "training_split", "unsafe_code", "use_prompt", "validation_split",
})  # fmt: skip
"""What lm-eval 0.4.13 understands of a task's YAML (lm_eval/config/task.py); a test compares them."""
OUTPUT_TYPES = ("loglikelihood", "multiple_choice", "loglikelihood_rolling", "generate_until")
TEMPLATES = ("description", "doc_to_text", "doc_to_target", "doc_to_choice", "gen_prefix")
"""Keys whose texts are Jinja templates."""
TEXTS = ("dataset_path", "training_split", "validation_split", "test_split", "fewshot_split")
"""Keys that hold one text, if any."""


def mistakes_in(task: Mapping[str, Any], path: str) -> Iterator[str]:
    """Say what lm-eval will stumble over, one sentence each.

    Args:
        task: the YAML with what it includes; functions are read as nothing.
        path: of the YAML.
    """
    if "class" in task:  # code of its own reads the rest
        return
    where = f'{path}: benchmark "{task.get("task")}"'
    for key in sorted(map(str, task.keys() - TASK_KEYS)):
        near = difflib.get_close_matches(key, TASK_KEYS, n=1)
        yield f'{where}: unknown key "{key}"' + (f'; did you mean "{near[0]}"?' if near else "")
    said = task.get("output_type", OUTPUT_TYPES[-1])
    if isinstance(said, str) and said not in OUTPUT_TYPES:
        near = difflib.get_close_matches(said, OUTPUT_TYPES, n=1)
        yield f'{where}: output_type "{said}" is none of {", ".join(OUTPUT_TYPES)}' + (
            f"; did you mean {near[0]}?" if near else ""
        )
    if not isinstance(task.get("group"), str | None):
        yield f"{where}: group is no text: {task['group']!r}; a benchmark names what it belongs to in tag"
    wrong = (key for key in TEXTS if not isinstance(task.get(key), str | None))
    yield from (f"{where}: {key} is no text: {task[key]!r}" for key in wrong)
    yield from (f"{where}: {mistake}" for mistake in _wrong_templates(task))
    yield from (f"{where}: {mistake}" for mistake in _missing_files(task))


def answer_too_long(name: str, tokens: int, most: int) -> ConfigError:
    """Return what is said where an answer may be as long as all that the model holds: no prompt would fit.

    Args:
        name: of the benchmark.
        tokens: how many an answer may have.
        most: how many the model holds, prompt and answer together.
    """
    return ConfigError(
        f"{name} lets an answer have {tokens:,} tokens, and the model holds {most:,} in all, the prompt among them",
        hint=f"set evaluation.gen_kwargs: {{max_gen_toks: N}} with an N well below {most:,}",
    )


def _wrong_templates(task: Mapping[str, Any]) -> Iterator[str]:
    for key in TEMPLATES:
        text = task.get(key)
        if isinstance(text, str):
            try:
                Environment().parse(text)  # noqa: S701 - nothing is rendered
            except TemplateSyntaxError as error:
                yield f"{key}, line {error.lineno}, is no Jinja template: {error.message}"


def _missing_files(task: Mapping[str, Any]) -> Iterator[str]:
    path, settings = task.get("dataset_path"), task.get("dataset_kwargs")
    if not isinstance(path, str) or path not in BUILDERS or not isinstance(settings, Mapping):
        return
    for name in texts_in(settings.get("data_files")):
        if "://" not in name and not any(sign in name for sign in "*?[") and not Path(name).exists():
            yield f"its data file {name} is not there; paths are relative to {Path.cwd()}"
