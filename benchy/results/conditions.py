"""Which runs may be compared: the conditions of a run, and the headline metric of a benchmark."""

from __future__ import annotations

from typing import Any

from benchy.frozen import FrozenModel
from benchy.record import BenchmarkResult, EvaluationResult, Metric, RunRecord


class BoardBenchmark(FrozenModel):
    """One column: a benchmark, or a group that stands for the benchmarks below it."""

    name: str
    version: str
    num_fewshot: int | None
    documents: int
    metric: str
    """The headline metric: ``acc_norm`` where there is one, else the first that lm-eval lists."""
    filter: str
    """lm-eval's filter that cut the answer out of the text; ``none`` for most."""
    higher_is_better: bool | None
    below: tuple[str, ...] = ()
    """For a group: name, version, n-shot and documents of all that it stands for."""


class Conditions(FrozenModel):
    """Scores are comparable only where all of this is equal."""

    benchmarks: tuple[BoardBenchmark, ...]
    """By name."""
    lm_eval: str
    """Version of the harness."""
    chat_template: bool | str
    """Whether prompts were put into the tokenizer's chat template; a string names one of several."""
    system_instruction: str | None
    fewshot_as_multiturn: bool
    fewshot_seed: int | None
    """Of the choice of worked examples; None where there are none."""
    gen_kwargs: str
    """Arguments of generation over the benchmarks' own, as ``name=value`` with commas, by name."""
    is_test: bool
    """Only part of each benchmark was evaluated."""


PREFERRED_METRIC = "acc_norm"
"""Accuracy with each answer's likelihood divided by its length: what public leaderboards take where it is defined."""


def conditions_of(record: RunRecord, evaluation: EvaluationResult) -> Conditions:
    """All that must be equal for scores to be comparable."""
    config = record.config.evaluation
    multiturn, chat_template = config.fewshot_as_multiturn, config.apply_chat_template
    few_shot = any(part.num_fewshot for part in evaluation.benchmarks)
    return Conditions(
        benchmarks=tuple(_column(part, evaluation) for part in ranked_parts(evaluation)),
        lm_eval=record.environment.packages.get("lm_eval", "") if record.environment else "",
        chat_template=chat_template,
        system_instruction=config.system_instruction,
        fewshot_as_multiturn=bool(chat_template) if multiturn is None else multiturn,
        fewshot_seed=evaluation.seeds[3] if few_shot else None,
        gen_kwargs=_as_text(config.gen_kwargs),
        is_test=record.is_test,
    )


def ranked_parts(evaluation: EvaluationResult) -> list[BenchmarkResult]:
    """The benchmarks and groups that stand for all: a benchmark below a group that has scores counts through it."""
    parts = [part for part in (*evaluation.groups, *evaluation.benchmarks) if part.metrics]
    below = {name for group in evaluation.groups if group.metrics for name in group.members}
    return sorted((part for part in parts if part.name not in below), key=lambda part: part.name)


def headline(part: BenchmarkResult) -> Metric:
    """The metric that ranks: ``acc_norm`` where there is one, else the first that lm-eval lists."""
    preferred = (metric for metric in part.metrics if metric.name == PREFERRED_METRIC)
    return next(preferred, part.metrics[0])


def _column(part: BenchmarkResult, evaluation: EvaluationResult) -> BoardBenchmark:
    metric = headline(part)
    return BoardBenchmark(
        name=part.name,
        version=part.version,
        num_fewshot=part.num_fewshot,
        documents=part.documents,
        metric=metric.name,
        filter=metric.filter,
        higher_is_better=metric.higher_is_better,
        below=tuple(sorted(_described(b) for b in evaluation.benchmarks if b.name in part.members)),
    )


def _described(part: BenchmarkResult) -> str:
    return f"{part.name} (version {part.version}, {part.num_fewshot}-shot, {part.documents} documents)"


def _as_text(arguments: dict[str, Any] | str | None) -> str:
    """``{"temperature": 0, "do_sample": False}`` and ``"do_sample=False,temperature=0"`` are the same."""
    if isinstance(arguments, dict):
        parts = [f"{name}={value}" for name, value in arguments.items()]
    else:
        parts = (arguments or "").split(",")
    return ",".join(sorted(part.strip() for part in parts if part.strip()))
