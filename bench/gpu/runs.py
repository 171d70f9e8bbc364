"""Runs the whole of Benchy and plain ``lm_eval run`` with the same model, benchmarks and arguments, each once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.commands import benchy, environment
from bench.gpu.answers import Answers, compare_answers, read_answers
from bench.gpu.work import BENCHMARKS, Size
from bench.pipeline import Bench

DEMO = "demo_accuracy,demo_addition"
GIB = 2**30


@dataclass(frozen=True)
class Work:
    """One model on some benchmarks."""

    model: Path
    tasks: str
    include_path: Path
    device: str
    batch: int | str
    dtype: str

    def config(self, folder: Path, **sections: dict[str, Any]) -> Path:
        """Write a config whose outputs go to ``folder``; keywords add to its sections."""
        folder.mkdir(parents=True, exist_ok=True)
        evaluation = {"tasks": self.tasks, "include_path": str(self.include_path), "device": self.device}
        whole: dict[str, Any] = {
            "model": {"name": str(self.model), "dtype": self.dtype},
            "evaluation": evaluation | {"batch_size": self.batch, "output_path": str(folder / "outputs")},
            "logging": {"log_dir": str(folder / "logs")},
            "upload": {"to": str(folder / "leaderboard")},
        }
        for name, changes in sections.items():
            whole[name] = whole.get(name, {}) | changes
        path = folder / "bench.yaml"
        path.write_text(yaml.safe_dump(whole), encoding="utf-8")
        return path

    def lm_eval(self, folder: Path) -> list[str]:
        """Give the command of plain lm-eval."""
        return [
            *(sys.executable, "-P", "-m", "lm_eval", "run", "--model", "hf", "--log_samples"),
            *("--model_args", f"pretrained={self.model},dtype={self.dtype}"),
            *("--tasks", self.tasks, "--include_path", str(self.include_path)),
            *("--device", self.device, "--batch_size", str(self.batch), "--output_path", str(folder)),
        ]


def demo(bench: Bench, device: str) -> Iterator[str]:
    """Yield the demo's model: a laptop's scores are those of the GPU."""
    work = Work(Path("configs/demo/model"), DEMO, Path("configs/demo/tasks"), device, 16, "float32")
    on_cpu = Work(work.model, work.tasks, work.include_path, "cpu", 16, "float32")
    plain = _plain(bench, work, "demo-lm_eval")[1]
    record, answers = benchy_run(bench, work, "demo")
    _, cpu_answers = benchy_run(bench, on_cpu, "demo-cpu")
    yield f"scores: {scores(record)}"
    yield f"beside plain lm-eval on the same device: {compare_answers(answers, plain)}"
    yield f"beside Benchy on the CPU: {compare_answers(answers, cpu_answers)}"
    yield f"device {record['model_test']['device']}, {_devices(record)}"


def large(bench: Bench, size: Size, model: Path, tasks: Path) -> Iterator[str]:
    """Yield a model of random weights: three ways of asking it the same, and what each took."""
    work = Work(model, BENCHMARKS, tasks, size.shape.device, size.batch, size.shape.dtype)
    wall, plain = _plain(bench, work, "large-lm_eval")
    yield f"plain lm_eval: {wall:.0f} s in all"
    for backend in ("hf-stock", "hf"):
        record, answers = benchy_run(bench, work, f"large-{backend}", model={"backend": backend})
        yield f"{backend}: {_taken(record)}"
        yield f"{backend} beside plain lm_eval: {compare_answers(answers, plain)}"
    record, answers = benchy_run(bench, work, "large-auto", evaluation={"batch_size": "auto"})
    yield f"hf with batch_size auto: {_taken(record)}; beside plain lm_eval: {compare_answers(answers, plain)}"
    record, answers = benchy_run(bench, work, "large-replica", performance={"replicas": 1})
    yield f"hf with one replica: {_taken(record)}; beside plain lm_eval: {compare_answers(answers, plain)}"


def benchy_run(bench: Bench, work: Work, name: str, **sections: dict[str, Any]) -> tuple[dict[str, Any], Answers]:
    """Run Benchy once; return its record, with ``wall`` added, and its answers."""
    folder = bench.folder / name
    used = bench.run(benchy("run", str(work.config(folder, **sections))), environment(bench.folder))
    record = read_record(folder) | {"wall": used.wall_seconds}
    return record, read_answers(folder / "outputs")


def read_record(folder: Path) -> dict[str, Any]:
    """Read the newest record of a run whose outputs are in ``folder``."""
    newest = max(folder.glob("outputs/*/record.json"), key=lambda path: path.stat().st_mtime)
    record: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
    return record


def scores(record: dict[str, Any]) -> str:
    """Say each score of a record."""
    return ", ".join(
        f"{part['name']} {metric['name']} {metric['value']:.4f}"
        for part in record["evaluation"]["benchmarks"]
        for metric in part["metrics"]
    )


def _plain(bench: Bench, work: Work, name: str) -> tuple[float, Answers]:
    folder = bench.folder / name
    used = bench.run(work.lm_eval(folder), environment(bench.folder))
    return used.wall_seconds, read_answers(folder)


def _taken(record: dict[str, Any]) -> str:
    """Say what a run took: seconds, and memory beside its estimate."""
    seconds, evaluation = record["seconds"], record["evaluation"]
    memory = {key: value for key, value in record["facts"]["memory"].items() if key.endswith("_bytes")}
    fixed = memory["weights_bytes"] + memory["kv_cache_bytes"]
    estimate = fixed + max(memory["activations_bytes"], memory["logits_bytes"])
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items() if value)
    return (
        f"{record['wall']:.0f} s in all ({parts}); inference {_by_benchmark(evaluation)}; "
        f"batches {evaluation['batch_sizes']}; "
        f"estimate for batches of {record['facts']['memory']['batch']}: {estimate / GIB:.1f} GiB; {_use(evaluation)}"
    )


def _by_benchmark(evaluation: dict[str, Any]) -> str:
    return ", ".join(f"{part['name']} {part['seconds']['inference']:.1f} s" for part in evaluation["benchmarks"])


def _use(step: dict[str, Any]) -> str:
    """Say what NVML saw."""
    return (
        "; ".join(
            f"NVML: {use['samples']} looks, {100 * (use['utilization_mean'] or 0):.0f} % busy, "
            f"memory at most {(use['memory_peak_bytes'] or 0) / GIB:.1f} GiB, "
            f"{use['power_mean_watts'] or 0:.0f} W, {use['energy_kwh'] or 0:.5f} kWh"
            for use in step["gpu_use"] or ()
        )
        or "no GPU was seen by NVML"
    )


def _devices(record: dict[str, Any]) -> str:
    return "; ".join(f"{each['kind']} {each['name']}" for each in record["environment"]["devices"])
