"""What the evaluation and the steps after it give back: scores, times, addresses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, Self

from pydantic import Field

from benchy.config import Seeds
from benchy.frozen import FrozenModel
from benchy.hashing import hash_content
from benchy.record.model_test import GpuUse


class Metric(FrozenModel):
    """One score of one benchmark or group."""

    name: str
    """lm-eval's name: ``acc``, ``exact_match``, ..."""
    filter: str
    """lm-eval's filter that cut the answer out of the text; ``none`` for most."""
    value: float | None
    """None if lm-eval gave no number."""
    stderr: float | None
    """Standard error of the mean (lm-eval's bootstrap for others); None if not defined."""
    higher_is_better: bool | None
    documents: int | None = None
    """How many it is made of: fewer than were evaluated where some have no such metric. None in old records."""


class Flaws(FrozenModel):
    """In how many documents something happened for which a score may mislead."""

    empty: int = 0
    """An answer held no text."""
    cut: int = 0
    """An answer ended at the limit of generated tokens."""
    truncated: int = 0
    """A prompt was longer than the model reads, and lost its beginning."""
    unscored: int = 0
    """A choice had no token of its own, so that lm-eval gives it the log-likelihood 0, the best there is."""
    leaked: int = 0
    """A few-shot example held the question itself."""
    without_gold: int = 0
    """The gold answer was none of the choices, so that no answer could be right."""
    non_finite: int = 0
    """A log-likelihood was NaN or infinite; an evaluation with any has no scores."""

    def said(self, documents: int) -> tuple[str, ...]:
        """One sentence for each that happened."""
        counts: dict[str, int] = self.model_dump()
        return tuple(
            f"in {counts[name]:,} of {documents:,} documents {what}" for name, what in _FLAWS.items() if counts[name]
        )


_FLAWS: Final = {
    "empty": "an answer holds no text, and counts as wrong",
    "cut": "an answer was cut at the limit of generated tokens",
    "truncated": "the prompt did not fit, and lost its beginning",
    "unscored": "a choice has no token of its own, and gets the log-likelihood 0 for it, which is the best there is",
    "leaked": "a few-shot example holds the question itself",
    "without_gold": "the gold answer is none of the choices, and every answer counts as wrong",
    "non_finite": "a log-likelihood is NaN or infinite",
}


def all_flaws(flaws: Iterable[Flaws]) -> Flaws:
    """Return the sum of several benchmarks' flaws."""
    total = Counter[str]()
    for one in flaws:
        total.update(one.model_dump())
    return Flaws(**total)


class BenchmarkSeconds(FrozenModel):
    """Where one benchmark's time went."""

    task_build: float
    inference: float
    """Requests of all benchmarks run in common batches; this is the share by length of the requests."""
    scoring: float


class Questions(FrozenModel):
    """What a benchmark asked, but for the model's own way of being prompted; equal where scores are comparable."""

    digest: str
    """SHA-256 over all that follows."""
    documents: str
    """SHA-256 over all documents with their gold answers, in any order; of a group, over the digests below it."""
    examples: str | None = None
    """SHA-256 over the documents that few-shot examples were drawn from, in their order; None without examples."""
    settings: dict[str, str] = Field(default_factory=dict)
    """What the benchmark's YAML sets, and the config changes in it, as JSON; ``sha256:...`` of what is long."""

    @classmethod
    def of(cls, documents: str, examples: str | None, settings: dict[str, str]) -> Self:
        """Return the account with its digest."""
        digest = hash_content(json.dumps([documents, examples, settings], sort_keys=True).encode())
        return cls(digest=digest, documents=documents, examples=examples, settings=settings)

    @property
    def is_whole(self) -> bool:
        """Whether the digest is that of the rest: scores are compared by the digest alone."""
        return self.digest == self.of(self.documents, self.examples, self.settings).digest


class Prompting(FrozenModel):
    """How the model was prompted: the model's own part of a prompt."""

    chat_template: str | None = None
    """The name of the chat template that prompts were put into (``default`` for most); None without one."""
    chat_template_hash: str | None = None
    """SHA-256 of its text; None where only the server knows it, or an old record does not tell."""
    fewshot_as_multiturn: bool = False
    """Few-shot examples were turns of a conversation."""


class BenchmarkResult(FrozenModel):
    """The scores of one benchmark or one group."""

    name: str
    alias: str
    """As lm-eval's table shows it."""
    version: str
    num_fewshot: int | None
    documents: int
    """How many were evaluated."""
    documents_in_all: int
    """How many the benchmark has."""
    metrics: tuple[Metric, ...]
    samples_file: str | None = None
    """In the run's folder."""
    scores_file: str | None = None
    """The table of each document's scores, in the run's folder; None for a group, and in old records."""
    prompts_hash: str | None = None
    """SHA-256 over all requests as the model saw them, in their order. None for a group."""
    questions: Questions | None = None
    """None in a record of before it was kept: such scores are never ranked."""
    seconds: BenchmarkSeconds | None = None
    """None for a group."""
    members: tuple[str, ...] = ()
    """Of a group: every benchmark and group below it, at any depth; its score is made of theirs."""
    flaws: Flaws = Flaws()
    """Of a group: the sum of its benchmarks'."""

    def without_samples(self) -> Self:
        """Return it without the name of its samples file."""
        return self._with(samples_file=None)

    def without_scores(self) -> Self:
        """Return it without the name of its table of scores."""
        return self._with(scores_file=None)

    def documents_of(self, metric: Metric) -> int:
        """How many documents one of its metrics is made of; old records do not say, and mean all."""
        return self.documents if metric.documents is None else metric.documents


class Scoring(FrozenModel):
    """How log-likelihoods were computed. Runs of both ways are comparable: in float32 they differ by less than 1e-4."""

    way: Literal["fast", "stock"]
    """``stock`` is lm-eval's own; ``fast`` computes what requests share only once."""
    reason: str | None = None
    """Why not the fast way, where ``model.backend`` asks for it."""


class EvaluationResult(FrozenModel):
    """The answer to ``evaluation``."""

    benchmarks: tuple[BenchmarkResult, ...]
    groups: tuple[BenchmarkResult, ...]
    results_file: str
    """lm-eval's own, in the run's folder."""
    requests: int
    """How many were answered."""
    resumed_requests: int = 0
    """How many of these were answered before a crash, by a worker that is gone."""
    resumed_seconds: float = 0.0
    """How long that worker took for them: part of the inference's seconds, which are those of all answers."""
    seeds: Seeds
    """Of Python's, numpy's and torch's random numbers, and of the sampling of worked examples; None where none was set.
    """
    batch_sizes: tuple[int, ...]
    """All that were used, in their order: one that did not fit into the memory is followed by its half."""
    prompting: Prompting | None = None
    """None in a record of before it was kept."""
    scoring: Scoring | None = None
    """None if the model is not a transformers one in the worker."""
    warnings: tuple[str, ...] = ()
    """Where scores are known to drift from what others measured."""
    load_seconds: float | None
    """None if the model was loaded already."""
    task_build_seconds: float
    inference_seconds: float
    scoring_seconds: float
    gpu_use: tuple[GpuUse, ...] | None = None
    """Of each GPU during this step, by the worker that ended it; None where the model is on none."""

    def with_gpu_use(self, use: tuple[GpuUse, ...] | None) -> Self:
        """Return it with what the GPUs did meanwhile."""
        return self._with(gpu_use=use)

    def without_samples(self) -> Self:
        """Return it without the names of samples files, which are not published."""
        return self._with(benchmarks=tuple(part.without_samples() for part in self.benchmarks))

    def without_scores(self) -> Self:
        """Return it without the names of tables of documents' scores, where those are not published."""
        return self._with(benchmarks=tuple(part.without_scores() for part in self.benchmarks))


class Uploaded(FrozenModel):
    """The answer to ``upload``."""

    url: str
    """Where a person looks at the leaderboard."""
    already_there: bool
    """The same run had been uploaded before, so nothing changed."""
    rank: int | None
    """On the leaderboard; None for a test."""
    pull_request: str | None = None
    """The one on the model's own repository, if ``upload.model_card`` asked for it."""
    upload_seconds: float

    def taken(self, seconds: float) -> Self:
        """Return it with the seconds that the whole upload took."""
        return self._with(upload_seconds=seconds)

    def offered_in(self, pull_request: str | None) -> Self:
        """Return it with the pull request on the model's own repository."""
        return self._with(pull_request=pull_request)


class Recomputed(FrozenModel):
    """The answer to ``recompute``: a record's scores beside those that its samples give."""

    differences: tuple[str, ...]
    scores: int
    """How many were recomputed."""
    left_out: tuple[str, ...]
    """Which could not be, and why."""


class WandbRun(FrozenModel):
    """The answer to ``wandb``: where the run is shown at Weights & Biases."""

    url: str | None = None
    """None where ``WANDB_MODE`` is ``offline``."""
    folder: str | None = None
    """Of an offline run; ``wandb sync`` sends it."""
