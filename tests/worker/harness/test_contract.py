"""The names of lm-eval that Benchy uses though lm-eval documents them nowhere: what breaks if one goes.

A new release that lacks one fails here first, with what to look at; `make canary` tries the newest.
"""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from tests.commands import REPOSITORY

NAMES = {
    "lm_eval.api.model:CacheHook.add_partial": "answers are kept as the model gives them (worker/answers/keeper.py)",
    "lm_eval.api.model:LM.set_cache_hook": "likewise",
    "lm_eval.api.model:TemplateLM._encode_pair": "choices without a token are counted (evaluation/flaws.py)",
    "lm_eval.api.registry:METRIC_REGISTRY": "a misspelled metric is named (harness/task_manager.py)",
    "lm_eval.api.registry:get_aggregation": "scores are recomputed (harness/recomputation.py)",
    "lm_eval.api.registry:get_metric_aggregation": "likewise",
    "lm_eval.api.task:ConfigurableTask.build_all_requests": "gold answers are checked (harness/gold_answers.py)",
    "lm_eval.api.task:ConfigurableTask.doc_to_choice": "faults of documents are named (harness/document_faults.py)",
    "lm_eval.api.task:ConfigurableTask.doc_to_target": "likewise",
    "lm_eval.api.task:ConfigurableTask.doc_to_text": "likewise",
    "lm_eval.api.task:ConfigurableTask.fewshot_context": "leaks are counted (harness/leaks.py)",
    "lm_eval.api.task:ConfigurableTask.fewshot_docs": "missing splits are named (harness/document_faults.py)",
    "lm_eval.api.task:ConfigurableTask.process_results": "scoring is timed (worker/answers/timing.py)",
    "lm_eval.evaluator_utils:_compute_task_aggregations": "documents are counted (harness/metric_documents.py)",
    "lm_eval.loggers.utils:get_commit_from_path": "git is asked quietly (harness/quiet_git.py)",
    "lm_eval.models.api_models:LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER": "empty answers are counted (backends/api.py)",
    "lm_eval.models.huggingface:HFLM._create_tokenizer": "prompts are built without weights (hf/unloaded.py)",
    "lm_eval.models.huggingface:HFLM._loglikelihood_tokens": "choices are scored faster (hf/model.py)",
    "lm_eval.models.huggingface:HFLM._model_call": "the model test looks at logits (backends/transformers.py)",
    "lm_eval.models.huggingface:HFLM._model_generate": "texts end at their own stop sequence (hf/model.py)",
    "lm_eval.models.utils:_add_special_kwargs": "tokens are those of one at a time (hf/tokenization.py)",
    "lm_eval.models.utils:has_bos_prefix": "likewise",
    "lm_eval.models.utils:normalize_gen_kwargs": "the longest answer is known (evaluation/build.py)",
    "lm_eval.tasks._index:Entry": "only the files that a run needs are read (harness/task_manager.py)",
    "lm_eval.tasks._index:Kind": "likewise",
    "lm_eval.tasks._index:TaskIndex": "likewise",
    "lm_eval.tasks._yaml_loader:load_yaml": "a benchmark's YAML is read as lm-eval reads it (harness)",
}
"""``module:name`` and what of Benchy needs it."""


@pytest.mark.parametrize(("name", "needed"), NAMES.items())
def test_the_name_is_there(name: str, needed: str) -> None:
    module, _, path = name.partition(":")
    thing = importlib.import_module(module)
    for part in path.split("."):
        assert hasattr(thing, part), f"lm-eval has no {name} any more: {needed}"
        thing = getattr(thing, part)


def test_every_private_module_and_name_that_is_imported_stands_in_the_contract() -> None:
    imported = {
        (module, name.strip())
        for path in (REPOSITORY / "benchy").rglob("*.py")
        for module, names in re.findall(r"from (lm_eval[\w.]*) import ([\w, ]+)", path.read_text("utf-8"))
        for name in names.split(",")
    }
    private = {f"{module}:{name}" for module, name in imported if "._" in module or name.startswith("_")}
    assert private - NAMES.keys() == set()
    assert private


def test_evaluate_builds_all_requests_before_it_asks_the_first() -> None:
    """`benchy check --build` ends lm-eval at its first request (evaluation/build.py)."""
    from lm_eval.evaluator import evaluate

    source = inspect.getsource(evaluate)
    assert source.index("build_all_requests") < source.index("getattr(lm, reqtype)")
