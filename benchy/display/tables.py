"""What a person reads of a run: the model test block and the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from benchy.plain_text import plain, plain_line
from benchy.protocol import Progress
from benchy.record import BenchmarkResult, EvaluationResult, Facts, GpuUse, Metric, ModelTestResult, RunRecord

Row = dict[str, str]
LONGEST_GPU = 12
"""Characters of a GPU's UUID that tell it from the others; nvidia-smi and CUDA take so many for the whole."""


def model_test_block(name: str, result: ModelTestResult) -> str:
    """Return the block that ends a model test, on the terminal and in the log."""
    lines = [f"✅ Model test successful: {plain_line(name)}"]
    if result.parameters is not None:
        lines.append(f"   Parameters: {result.parameters:,}")
    if result.size_gb is not None:
        lines.append(f"   Size: {result.size_gb:.2f} GB")
    lines.append(f"   Generated: {plain_line(' '.join(result.generated.split()))}")
    lines += [f"   ⚠️ {plain_line(warning)}" for warning in result.warnings]
    return "\n".join(lines)


def facts_lines(facts: Facts) -> list[str]:
    """Return what preflight found out, one line each."""
    lines = []
    if facts.commit:
        lines.append(f"Commit: {facts.commit}")
    if facts.base:
        lines.append(f"Adapter of {plain_line(facts.base)}")
    if facts.parameters is not None:
        by_dtype = ", ".join(f"{dtype}: {_gb(size)}" for dtype, size in facts.bytes_by_dtype.items())
        lines.append(f"Parameters: {facts.parameters:,} ({by_dtype})")
    if facts.commit and facts.download_bytes:
        lines.append(f"To fetch: {_gb(facts.missing_bytes)} of {_gb(facts.download_bytes)}")
    if (memory := facts.memory) is not None:
        parts = {
            "weights": memory.weights_bytes,
            "keys and values": memory.kv_cache_bytes,
            "logits": memory.logits_bytes,
            "activations": memory.activations_bytes,
        }
        sizes = ", ".join(f"{name} {_gb(size)}" for name, size in parts.items())
        lines.append(f"Memory for {memory.batch} x {memory.length} tokens: {_gb(memory.total_bytes)} a GPU ({sizes})")
    return [*lines, *warning_lines(facts.warnings)]


def warning_lines(warnings: Iterable[str]) -> list[str]:
    """Return each warning on a line; a worker, and with it a model's own code, may have written it."""
    return [f"⚠️ {plain_line(warning)}" for warning in warnings]


def how_far(event: Progress) -> str:
    """``1,200/4,000 requests, 35/s, 1:20 left``; what is not known is left out."""
    if not event.total:
        return f"{event.done:,.0f} {event.unit}"
    said = [f"{event.done:,.0f}/{event.total:,.0f} {event.unit}"]
    if event.rate:
        said.append(f"{event.rate:,.3g}/s" if event.rate < 1000 else f"{event.rate:,.0f}/s")
    if event.seconds_left is not None and event.done < event.total:
        said.append(f"{timedelta(seconds=round(event.seconds_left))} left")
    return ", ".join(said)


def most_telling(parts: Sequence[Progress], most: int) -> list[Progress]:
    """So many, in their order: those that began and are not done, then those that wait, then the others."""

    def rank(part: Progress) -> int:
        return 2 if part.done == part.total else 0 if part.done else 1

    kept = {part.label for part in sorted(parts, key=rank)[:most]}
    return [part for part in parts if part.label in kept]


def model_test_rows(record: RunRecord, result: ModelTestResult) -> list[Row]:
    """One row a measurement."""
    by_dtype = ", ".join(f"{dtype}: {_gb(size)}" for dtype, size in result.bytes_by_dtype.items())
    measured = {
        "Model": record.model_label,
        "Commit": (record.model.commit or "") if record.model else "",
        "Content hash": (record.model.content_hash or "") if record.model else "",
        "Parameters": f"{result.parameters:,}" if result.parameters is not None else "behind an API",
        "Size": f"{result.size_gb:.2f} GB ({by_dtype})" if result.size_gb is not None else "",
        "Dtype": result.dtype or "",
        "Device": result.device or "",
        "Download": f"{record.seconds.download or 0:.1f} s",
        "Load": f"{result.load_seconds:.1f} s",
        "Generation": f"{result.generation_seconds:.2f} s, {result.tokens_per_second:.1f} tokens/s",
        "Peak memory": f"{_gb(result.peak_memory_bytes)} ({result.peak_memory_of})",
        "Generated": result.generated,
    }
    return [{"what": what, "value": plain(value)} for what, value in measured.items() if value]


def score_rows(result: EvaluationResult) -> list[Row]:
    """One row a metric: groups first, as lm-eval's table has them."""
    return [_score_row(part, metric) for part in (*result.groups, *result.benchmarks) for metric in part.metrics]


def seconds_rows(result: EvaluationResult) -> list[Row]:
    """One row a benchmark."""
    return [
        {
            "benchmark": plain_line(part.name),
            "task build": f"{part.seconds.task_build:.2f}",
            "inference": f"{part.seconds.inference:.2f}",
            "scoring": f"{part.seconds.scoring:.2f}",
        }
        for part in result.benchmarks
        if part.seconds is not None
    ]


def gpu_rows(record: RunRecord) -> list[Row]:
    """One row a GPU and step; none where there was no GPU."""
    steps = {"model_test": record.model_test, "evaluation": record.evaluation}
    return [_gpu_row(name, use) for name, step in steps.items() if step for use in step.gpu_use or ()]


def _gpu_row(step: str, use: GpuUse) -> Row:
    """Make a row of at most 80 columns, as a terminal has them."""
    gb = 1024**3
    return {
        "step": step,
        "GPU": use.uuid[:LONGEST_GPU],
        "use (peak)": _mean_and_peak(use.utilization_mean, use.utilization_peak, "{:.0f} ({:.0f}) %", of=100),
        "memory (peak)": _mean_and_peak(use.memory_mean_bytes, use.memory_peak_bytes, "{:.1f} ({:.1f}) GB", of=1 / gb),
        "power (peak)": _mean_and_peak(use.power_mean_watts, use.power_peak_watts, "{:.0f} ({:.0f}) W"),
        "energy": "" if use.energy_kwh is None else f"{1000 * use.energy_kwh:,.1f} Wh",
    }


def _mean_and_peak(mean: float | None, peak: float | None, form: str, *, of: float = 1) -> str:
    return "" if mean is None or peak is None else form.format(mean * of, peak * of)


def _score_row(part: BenchmarkResult, metric: Metric) -> Row:
    arrow = {True: "↑", False: "↓", None: ""}[metric.higher_is_better]
    return {
        "benchmark": plain_line(part.name),
        "version": plain_line(part.version),
        "n-shot": "" if part.num_fewshot is None else str(part.num_fewshot),
        "documents": f"{part.documents_of(metric):,}",
        "filter": plain_line(metric.filter),
        "metric": plain_line(f"{metric.name} {arrow}".strip()),
        "value": "" if metric.value is None else f"{metric.value:.4f}",
        "stderr": "" if metric.stderr is None else f"± {metric.stderr:.4f}",
    }


def _gb(size: float) -> str:
    return f"{size / 1024**3:.2f} GB"
