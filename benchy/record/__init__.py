"""The record of a run: the one versioned account of what was asked, what was found, and how it ended."""

from benchy.record.facts import (
    Device,
    Environment,
    Facts,
    Fetched,
    Imported,
    MemoryEstimate,
    ModelIdentity,
    Prepared,
)
from benchy.record.results import (
    BenchmarkResult,
    BenchmarkSeconds,
    EvaluationResult,
    GpuUse,
    Metric,
    ModelTestResult,
    Scoring,
    Uploaded,
    WandbRun,
)
from benchy.record.run_record import ANSWERS_FILES, RECORD_FILE, RunRecord, Seconds, now, read_record, write_record

__all__ = [
    "ANSWERS_FILES",
    "RECORD_FILE",
    "BenchmarkResult",
    "BenchmarkSeconds",
    "Device",
    "Environment",
    "EvaluationResult",
    "Facts",
    "Fetched",
    "GpuUse",
    "Imported",
    "MemoryEstimate",
    "Metric",
    "ModelIdentity",
    "ModelTestResult",
    "Prepared",
    "RunRecord",
    "Scoring",
    "Seconds",
    "Uploaded",
    "WandbRun",
    "now",
    "read_record",
    "write_record",
]
