"""Decides which scores may stand in one column: the conditions of a benchmark, and its headline metric."""

from __future__ import annotations

from typing import Any

from benchy.frozen import FrozenModel
from benchy.record import BenchmarkResult, EvaluationResult, Metric, Prompting, RunRecord

PREFERRED_METRIC = "acc_norm"
"""Accuracy with each answer's likelihood divided by its length: what public leaderboards take where it is defined."""


class Below(FrozenModel):
    """A benchmark below a group."""

    name: str
    version: str
    num_fewshot: int | None
    documents: int
    questions: str | None
    """As of :class:`Conditions`."""


class Conditions(FrozenModel):
    """All that must be equal for two scores of a benchmark to be comparable."""

    benchmark: str
    """Or the group that stands for those below it."""
    version: str
    num_fewshot: int | None
    documents: int
    metric: str
    """The headline metric: ``acc_norm`` where there is one, else the first that lm-eval lists."""
    filter: str
    """lm-eval's filter that cut the answer out of the text; ``none`` for most."""
    higher_is_better: bool | None
    questions: str | None
    """Digest of what was asked. None in a record of before there was one: nothing proves such scores comparable."""
    below: tuple[Below, ...] = ()
    """For a group: all that it stands for."""
    lm_eval: str
    """Version of the harness."""
    fewshot_seed: int | None
    """Of the choice of worked examples; None where there are none."""
    settings: str = ""
    """Without a digest: what the config says of the system message and the arguments of generation."""
    is_test: bool
    """Only part of the benchmark was evaluated."""

    @property
    def are_proven(self) -> bool:
        """Whether the record says what was asked."""
        return self.questions is not None and all(part.questions is not None for part in self.below)


def conditions_of(part: BenchmarkResult, evaluation: EvaluationResult, record: RunRecord) -> Conditions:
    """Return the conditions under which a benchmark or group was evaluated."""
    metric = headline(part)
    below = [other for other in evaluation.benchmarks if other.name in part.members]
    few_shot = any(one.num_fewshot for one in (part, *below))
    return Conditions(
        benchmark=part.name,
        version=part.version,
        num_fewshot=part.num_fewshot,
        documents=part.documents_of(metric),
        metric=metric.name,
        filter=metric.filter,
        higher_is_better=metric.higher_is_better,
        questions=part.questions.digest if part.questions else None,
        below=tuple(sorted(map(_below, below), key=lambda one: one.name)),
        lm_eval=record.environment.packages.get("lm_eval", "") if record.environment else "",
        fewshot_seed=evaluation.seeds[3] if few_shot else None,
        settings="" if part.questions else _settings_told(record),
        is_test=record.is_test,
    )


def prompting_of(record: RunRecord) -> Prompting:
    """How the model was prompted; of a record that does not tell, what its config asked for."""
    if record.evaluation is not None and record.evaluation.prompting is not None:
        return record.evaluation.prompting
    config = record.config.evaluation
    template, multiturn = config.apply_chat_template, config.fewshot_as_multiturn
    name = template if isinstance(template, str) else "default" if template else None
    return Prompting(chat_template=name, fewshot_as_multiturn=bool(template) and multiturn is not False)


def ranked_parts(evaluation: EvaluationResult) -> list[BenchmarkResult]:
    """Return the benchmarks and groups that stand for all.

    What is below a group counts through it, if its score is of all.
    """
    groups = [group for group in evaluation.groups if _of_all(group)]
    parts = [*groups, *(part for part in evaluation.benchmarks if part.metrics)]
    below = {name for group in groups for name in group.members}
    return sorted((part for part in parts if part.name not in below), key=lambda part: part.name)


def headline(part: BenchmarkResult) -> Metric:
    """Return the metric that ranks, of those that all documents have.

    ``acc_norm``, else the first that lm-eval lists.
    """
    metrics = _of_all(part) or part.metrics
    preferred = (metric for metric in metrics if metric.name == PREFERRED_METRIC)
    return next(preferred, metrics[0])


def _of_all(part: BenchmarkResult) -> tuple[Metric, ...]:
    """Return the metrics that all documents have."""
    return tuple(metric for metric in part.metrics if part.documents_of(metric) == part.documents)


def _below(part: BenchmarkResult) -> Below:
    return Below(
        name=part.name,
        version=part.version,
        num_fewshot=part.num_fewshot,
        documents=part.documents,
        questions=part.questions.digest if part.questions else None,
    )


def _settings_told(record: RunRecord) -> str:
    evaluation = record.config.evaluation
    told = {"system": evaluation.system_instruction, "generation": _as_text(evaluation.gen_kwargs)}
    return "; ".join(f"{name}: {text}" for name, text in told.items() if text)


def _as_text(arguments: dict[str, Any] | None) -> str:
    return ",".join(sorted(f"{name}={value}" for name, value in (arguments or {}).items()))
