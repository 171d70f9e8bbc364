"""Recomputes scores from lm-eval's samples files with lm-eval's own metrics and aggregations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchy.errors import UploadFailed
from benchy.protocol import Recompute
from benchy.record import BenchmarkResult, Recomputed
from benchy.results.agreement import read_results
from benchy.results.damage import damage_named
from benchy.results.finished import require_file, require_scores
from benchy.results.samples import read_samples
from benchy.worker.harness.questions import as_setting, plain

CLOSE = 1e-9
"""Relative: a sum in another order differs by less."""


def recompute(request: Recompute) -> Recomputed:
    """Compare each score of a record with what the samples beside it give.

    Raises:
        UploadFailed: the run has no scores, or a file of it is missing or damaged.
    """
    require_scores(request.record)
    evaluation, folder = request.record.evaluation, Path(request.run_folder)
    assert evaluation is not None  # noqa: S101 - just checked
    path = require_file(folder, evaluation.results_file)
    with damage_named(UploadFailed, f"{path.name} is no file of lm-eval's results"):
        configs = read_results(path.read_bytes()).get("configs", {})
    differences: list[str] = []
    left_out: list[str] = []
    scores = 0
    for part in evaluation.benchmarks:
        if part.samples_file is None:
            left_out.append(f"{part.name}: its samples are not here")
            continue
        samples = require_file(folder, part.samples_file)
        with damage_named(UploadFailed, f"{path.name} or {samples.name} is not as lm-eval writes it"):
            checked = _Benchmark(part, configs.get(part.name, {}), samples)
            differences += checked.differences()
        scores += checked.recomputed
        left_out += checked.left_out
    left_out += [f"{group.name}: a group's mean" for group in evaluation.groups if group.metrics]
    return Recomputed(differences=tuple(differences), scores=scores, left_out=tuple(left_out))


class _Benchmark:
    """The samples of one benchmark against its scores."""

    def __init__(self, part: BenchmarkResult, config: Mapping[str, Any], samples: Path) -> None:
        self.part, self.config, self.samples = part, config, samples
        self.recomputed = 0
        self.left_out: list[str] = []

    def differences(self) -> Iterator[str]:
        values: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for sample in read_samples(self.samples):
            for metric in sample["metrics"]:
                if metric in sample:
                    values[metric, sample["filter"]].append(_as_tuples(sample[metric]))
            if problem := _wrong_sample(sample, self.config):
                yield f"{self.part.name}: document {sample['doc_id']}: {problem}"
        yield from (f"{self.part.name}: {problem}" for problem in self._other_settings())
        for metric in self.part.metrics:
            aggregation = self._aggregation(metric.name)
            found = values[metric.name, metric.filter]
            if aggregation is None or not found:
                self.left_out.append(f"{self.part.name}: {metric.name} is aggregated by the benchmark's own code")
                continue
            self.recomputed += 1
            score = float(aggregation(found))
            if not _is_close(score, metric.value):
                yield f"{self.part.name}: {metric.name} is {metric.value}, and {score} by its samples"
        longest = max(map(len, values.values()), default=0)
        if longest != self.part.documents:
            yield f"{self.part.name}: {self.part.documents} documents, and {longest} in its samples"

    def _other_settings(self) -> Iterator[str]:
        """Say which settings that decide scores are not those by which the record's scores are compared.

        What holds code of a benchmark's own cannot be held against a hash of it.
        """
        known = self.part.questions.settings if self.part.questions else None
        if known is None:
            return
        for name in ("process_results", "filter_list"):
            if bool(self.config.get(name)) != (name in known):
                yield f"{name} in lm-eval's results file is not the record's"
        said = self.config.get("metric_list")
        if (
            said
            and "metric_list" in known
            and not _holds_code(said)
            and as_setting(plain(said)) != known["metric_list"]
        ):
            yield "metric_list in lm-eval's results file is not the record's"

    def _aggregation(self, metric: str) -> Callable[[list[Any]], float] | None:
        """As ``ConfigurableTask`` chooses it; None for a function of the benchmark's own."""
        from lm_eval.api.metrics import mean
        from lm_eval.api.registry import get_aggregation, get_metric_aggregation

        if _holds_code(self.config.get("metric_list")):
            return None
        listed = {entry["metric"]: entry for entry in self.config.get("metric_list") or () if "metric" in entry}
        name = listed.get(metric, {}).get("aggregation")
        found: Callable[[list[Any]], float] | None = mean
        if name is not None:
            found = get_aggregation(name) if isinstance(name, str) and name.isidentifier() else None
        elif metric in listed:
            found = get_metric_aggregation(metric)
        return found


def _holds_code(value: Any) -> bool:
    """Tell of a setting whether lm-eval wrote the source of a function into it."""
    if isinstance(value, Mapping | list):
        return any(map(_holds_code, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, str) and "\n" in value


def _wrong_sample(sample: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """Why a sample's score is not that of its answer, for the kinds whose score no code of the benchmark makes."""
    if config.get("process_results") or config.get("filter_list") or not isinstance(sample["target"], str):
        return None
    if config.get("output_type") == "multiple_choice" and "acc" in sample and sample["target"].isdigit():
        likelihoods = [float(answer[0]) for answer in sample["filtered_resps"]]
        if len(likelihoods) != len(sample["arguments"]):
            return None
        right = float(likelihoods.index(max(likelihoods)) == int(sample["target"]))
        return None if right == sample["acc"] else f"acc is {sample['acc']}, and {right} by its answers"
    return None


def _is_close(score: float, said: float | None) -> bool:
    if said is None or not math.isfinite(score):
        return said is None and not math.isfinite(score)
    return math.isclose(score, said, rel_tol=CLOSE, abs_tol=CLOSE)


def _as_tuples(value: Any) -> Any:
    """JSON has no tuples: a rolling perplexity is a pair for each document."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
