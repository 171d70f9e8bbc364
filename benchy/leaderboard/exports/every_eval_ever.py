"""A run in the form of Every Eval Ever, schema 0.3.0 (https://github.com/evaleval/every_eval_ever)."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from benchy.backends import known_backend
from benchy.leaderboard.exports.every_eval_ever_samples import (
    SCHEMA_VERSION,
    as_details,
    is_number,
    result_id_of,
    sample_rows,
)
from benchy.record import BenchmarkResult, EvaluationResult, Metric, RunRecord, with_source

_PROPORTION = (0.0, 1.0, "proportion")
_PERPLEXITY = (1.0, "Infinity", None)
BOUNDS: Mapping[str, tuple[float, float | str, str | None]] = {
    **dict.fromkeys(
        ("acc", "acc_norm", "acc_mutual_info", "exact_match", "em", "f1", "mc1", "mc2", "rouge1", "rouge2", "rougeL",
         "rougeLsum", "pass@1"), _PROPORTION,
    ),
    **dict.fromkeys(("perplexity", "word_perplexity", "byte_perplexity"), _PERPLEXITY),
    "bits_per_byte": (0.0, "Infinity", None),
    "mcc": (-1.0, 1.0, None),
    "bleu": (0.0, 100.0, "points"),
    "chrf": (0.0, 100.0, "points"),
    "ter": (0.0, "Infinity", None),
}  # fmt: skip
"""The least, the most and the unit of lm-eval's own metrics; a benchmark may scale them, so a score decides too."""
_NOT_IN_PATHS = re.compile(r"""[<>:"\\|?*/\x00-\x1f]""")


def to_every_eval_ever(
    record: RunRecord, results: Mapping[str, Any], samples: Mapping[str, Path], aside: Path
) -> dict[str, bytes | Path]:
    """``<id>.json`` and, if there are samples, ``<id>_samples.jsonl``, as the collection names them.

    Args:
        record: as published.
        results: what lm-eval's own results file holds.
        samples: lm-eval's samples files by benchmark; empty if they are not published.
        aside: the folder in which ``<id>_samples.jsonl`` is made: there may be more than memory holds.
    """
    evaluation = record.evaluation
    assert evaluation is not None  # noqa: S101 - of what is published
    name = str(uuid.UUID(record.run_id, version=4))  # the run's own id; Prefect's may be of another version
    described = _describe(record, evaluation, results)
    if not samples:
        return {f"{name}.json": _to_json(described)}
    path = aside / f"{name}_samples.jsonl"
    checksum, rows = _write_lines(path, sample_rows(described, evaluation, samples))
    if not rows:  # no metric has a number for each document, as of rolling perplexities
        return {f"{name}.json": _to_json(described)}
    described["detailed_evaluation_results"] = {
        "format": "jsonl",
        "file_path": str(_canonical_folder(described) / path.name),
        "hash_algorithm": "sha256",
        "checksum": checksum,
        "total_rows": rows,
    }
    return {f"{name}.json": _to_json(described), path.name: path}


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> tuple[str, int]:
    """Return the file's SHA-256, and how many lines it has."""
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last count is the answer
            line = f"{json.dumps(row, allow_nan=False)}\n".encode()
            digest.update(line)
            file.write(line)
    return digest.hexdigest(), count


def _to_json(described: dict[str, Any]) -> bytes:
    """In ASCII: readers of lines take U+2028 and its kin in a text for the end of a line."""
    return (json.dumps(described, indent=2, allow_nan=False) + "\n").encode()


def _canonical_folder(described: Mapping[str, Any]) -> PurePosixPath:
    """Where both files belong in the collection: ``data/<source>/<developer>/<model>/``."""
    model = described["model_info"]
    developer = model.get("developer", "unknown")
    parts = (developer, model["id"].removeprefix(f"{developer}/"))
    return PurePosixPath("data", "benchy", *map(_portable, parts))


def _portable(name: str) -> str:
    """Return a name that every file system takes for a folder."""
    plain = _NOT_IN_PATHS.sub("_", name).rstrip(". ") or "model"
    return f"{plain}_" if plain == "data" else plain


def _describe(record: RunRecord, evaluation: EvaluationResult, results: Mapping[str, Any]) -> dict[str, Any]:
    ended = str((record.ended_at or record.started_at).timestamp())
    model = _model_info(record)
    parts = (*evaluation.groups, *evaluation.benchmarks)
    versions = record.environment.packages if record.environment else {}
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"benchy/{model['id'].replace('/', '_')}/{ended}",
        "evaluation_timestamp": ended,
        "retrieved_timestamp": ended,
        "source_metadata": _source(record, model),
        "eval_library": {
            "name": "lm_eval",
            "version": versions.get("lm_eval", "unknown"),
            "additional_details": {"benchy_version": record.benchy_version, "run_name": record.run_name},
        },
        "model_info": model,
        "evaluation_results": [
            _result(part, metric, record, results)
            for part in parts
            for metric in part.metrics
            if metric.value is not None
        ],
    }


def _source(record: RunRecord, model: Mapping[str, Any]) -> dict[str, Any]:
    """Whose leaderboard it is, as far as its address says."""
    upload = record.config.upload
    owner = (upload.data_set or "").partition("/")[0] if upload else ""
    relationship = "other" if not owner else "first_party" if owner == model.get("developer") else "third_party"
    return {
        "source_name": "Benchy",
        "source_type": "evaluation_run",
        "source_organization_name": owner or "unknown",
        "evaluator_relationship": relationship,
        "additional_details": {"is_test": str(record.is_test).lower()},
    }


def _model_info(record: RunRecord) -> dict[str, Any]:
    base = record.model.name if record.model else record.config.model.name
    source = record.model.source if record.model else "folder"
    name = _evaluated_name(base, source, record.config.model.args)
    backend = record.config.model.backend
    engine = known_backend(backend).engine or backend
    versions = record.environment.packages if record.environment else {}
    details = {
        "deployment_type": "unknown" if source == "api" else "self_deployed",
        "model_availability": "open_weights" if source == "hub" else "unknown",
        "commit": record.model and record.model.commit,
        "content_hash": record.model and record.model.content_hash,
        "dtype": record.model_test and record.model_test.dtype,
        "parameters": record.model_test and record.model_test.parameters,
        "base_model": base if name != base else None,
        "backend": backend,
        "max_length": record.config.model.max_length,
        **{f"args.{key}": value for key, value in record.config.model.args.items()},
        **{f"commit.{part}": commit for part, commit in (record.model.parts if record.model else {}).items()},
        **{f"bytes.{dtype}": size for dtype, size in record.facts.bytes_by_dtype.items()},
    }
    info: dict[str, Any] = {"name": with_source(name, source), "id": name, "additional_details": as_details(details)}
    info["inference_engine"] = {"name": engine} | as_details({"version": versions.get(engine)})
    return info | ({"developer": name.partition("/")[0]} if source == "hub" and "/" in name else {})


def _evaluated_name(base: str, source: str, args: Mapping[str, Any]) -> str:
    """With an adapter or a delta it is another model than its base; a folder is nobody's on the Hub."""
    name = base.replace("/", "_") if source == "folder" else base
    added = args.get("peft") or args.get("delta")
    if added is None:
        return name
    return added if str(added).count("/") == 1 else f"{name}+{PurePosixPath(str(added)).name}"


def _result(part: BenchmarkResult, metric: Metric, record: RunRecord, results: Mapping[str, Any]) -> dict[str, Any]:
    config = results.get("configs", {}).get(part.name, {})
    return {
        "evaluation_result_id": result_id_of(part.name, metric.name, metric.filter),
        "evaluation_name": part.name,
        "source_data": _source_data(part, config, record.data_sets),
        "metric_config": _metric_config(part, metric),
        "score_details": _score_details(part, metric),
        "generation_config": _generation_config(record, config),
    }


def _source_data(part: BenchmarkResult, config: Mapping[str, Any], commits: Mapping[str, str]) -> dict[str, Any]:
    """Return the data set that lm-eval read; a group has several, and a file of one's own is none of the Hub's."""
    repository = hub_data_set(config)
    if repository is None:
        details = {"members": ", ".join(part.members)} if part.members else {}
        return {"dataset_name": part.name, "source_type": "other", "additional_details": details}
    split = config.get("test_split") or config.get("validation_split")
    return {
        "dataset_name": part.name,
        "source_type": "hf_dataset",
        "hf_repo": repository,
        "samples_number": part.documents_in_all,
        "additional_details": as_details(
            {
                "config": config.get("dataset_name"),
                "commit": commits.get(repository),
                "evaluated": part.documents,
            }
        ),
    } | as_details({"hf_split": split})


def hub_data_set(config: Mapping[str, Any]) -> str | None:
    """Return the repository of a benchmark's data on the Hub, from lm-eval's account of its task.

    None if there is none.
    """
    path = str(config.get("dataset_path") or "")
    files = (config.get("dataset_kwargs") or {}).get("data_files")
    is_name = path.count("/") == 1 and not path.startswith((".", "/", "~"))
    return path if is_name and not files else None


def _metric_config(part: BenchmarkResult, metric: Metric) -> dict[str, Any]:
    """lm-eval tells no bounds of its metrics, and a type without bounds is not allowed."""
    details = {
        "filter": metric.filter,
        "num_fewshot": part.num_fewshot,
        "benchmark_version": part.version,
        "higher_is_better": "unknown" if metric.higher_is_better is None else str(metric.higher_is_better).lower(),
    }
    return {
        "metric_id": metric.name,
        "metric_name": metric.name,
        "lower_is_better": metric.higher_is_better is False,
        "additional_details": as_details(details),
    } | _bounds(metric)


def _bounds(metric: Metric) -> dict[str, Any]:
    least, most, unit = BOUNDS.get(metric.name, (math.inf, math.inf, None))
    if metric.value is None or not least <= metric.value <= float(most):
        return {}
    return {"score_type": "continuous", "min_score": least, "max_score": most} | ({"metric_unit": unit} if unit else {})


def _score_details(part: BenchmarkResult, metric: Metric) -> dict[str, Any]:
    uncertainty: dict[str, Any] = {"num_samples": part.documents_of(metric)}
    if metric.stderr is not None:
        uncertainty["standard_error"] = {"value": metric.stderr}
    return {"score": metric.value, "uncertainty": uncertainty}


def _generation_config(record: RunRecord, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lm-eval gave to the model's ``generate``; the names that the schema knows stand apart."""
    given = config.get("generation_kwargs") or {}
    numbers = {name: given[name] for name in ("temperature", "top_p", "top_k") if is_number(given.get(name))}
    limit = given.get("max_gen_toks")
    arguments = numbers | ({"max_tokens": limit} if isinstance(limit, int) else {})
    evaluation = record.config.evaluation
    details = {
        "chat_template": evaluation.apply_chat_template,
        "system_instruction": evaluation.system_instruction,
        "seeds": record.evaluation and ",".join(map(str, record.evaluation.seeds)),
        **{name: value for name, value in given.items() if name not in {*numbers, "max_gen_toks"}},
    }
    return {"generation_args": arguments, "additional_details": as_details(details)}
