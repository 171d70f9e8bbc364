"""A run in the form of Every Eval Ever, schema 0.3.0 (https://github.com/evaleval/every_eval_ever)."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from benchy.backends import known_backend
from benchy.record import BenchmarkResult, EvaluationResult, Metric, RunRecord, with_source
from benchy.results.samples import choices_of, prompt_of, read_samples

SCHEMA_VERSION = "0.3.0"
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
    checksum, rows = _write_lines(path, _instances(described, evaluation, samples))
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
    """The file's SHA-256, and how many lines it has."""
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
    """A name that every file system takes for a folder."""
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
    info: dict[str, Any] = {"name": with_source(name, source), "id": name, "additional_details": _texts(details)}
    info["inference_engine"] = {"name": engine} | _texts({"version": versions.get(engine)})
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
        "evaluation_result_id": _result_id(part.name, metric.name, metric.filter),
        "evaluation_name": part.name,
        "source_data": _source_data(part, config, record.data_sets),
        "metric_config": _metric_config(part, metric),
        "score_details": _score_details(part, metric),
        "generation_config": _generation_config(record, config),
    }


def _result_id(benchmark: str, metric: str, filter_name: str) -> str:
    return f"{benchmark}/{metric},{filter_name}"


def _source_data(part: BenchmarkResult, config: Mapping[str, Any], commits: Mapping[str, str]) -> dict[str, Any]:
    """The data set that lm-eval read; a group has several, and a file of one's own is none of the Hub's."""
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
        "additional_details": _texts(
            {
                "config": config.get("dataset_name"),
                "commit": commits.get(repository),
                "evaluated": part.documents,
            }
        ),
    } | _texts({"hf_split": split})


def hub_data_set(config: Mapping[str, Any]) -> str | None:
    """The repository of a benchmark's data on the Hub, from lm-eval's account of its task; None if there is none."""
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
        "additional_details": _texts(details),
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
    """What lm-eval gave to the model's ``generate``; the names that the schema knows stand apart."""
    given = config.get("generation_kwargs") or {}
    numbers = {name: given[name] for name in ("temperature", "top_p", "top_k") if _is_number(given.get(name))}
    limit = given.get("max_gen_toks")
    arguments = numbers | ({"max_tokens": limit} if isinstance(limit, int) else {})
    evaluation = record.config.evaluation
    details = {
        "chat_template": evaluation.apply_chat_template,
        "system_instruction": evaluation.system_instruction,
        "seeds": record.evaluation and ",".join(map(str, record.evaluation.seeds)),
        **{name: value for name, value in given.items() if name not in {*numbers, "max_gen_toks"}},
    }
    return {"generation_args": arguments, "additional_details": _texts(details)}


def _instances(
    described: Mapping[str, Any], evaluation: EvaluationResult, samples: Mapping[str, Path]
) -> Iterator[dict[str, Any]]:
    """One row for each document, filter and metric that gives a single number for a document."""
    known = {result["evaluation_result_id"] for result in described["evaluation_results"]}
    common = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": described["evaluation_id"],
        "model_id": described["model_info"]["id"],
    }
    for part in evaluation.benchmarks:
        for sample in read_samples(samples[part.name]) if part.name in samples else ():
            for metric in sample["metrics"]:
                result_id = _result_id(part.name, metric, sample["filter"])
                if result_id in known and _is_number(sample.get(metric)):
                    yield {
                        **common,
                        "evaluation_name": part.name,
                        "evaluation_result_id": result_id,
                        **_instance(sample),
                        "evaluation": {"score": sample[metric], "is_correct": sample[metric] == 1},
                    }


def _instance(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked and answered. Of multiple choice the answer is the choice that the model finds most likely."""
    choices = choices_of(sample)
    prompt = prompt_of(sample)
    target = str(sample["target"])
    if choices and target.isdigit() and int(target) < len(choices):
        target = choices[int(target)]
    answers = [_most_likely(choices, sample["filtered_resps"])] if choices else _as_texts(sample["resps"])
    extracted = answers[0] if choices else next(iter(_as_texts(sample["filtered_resps"])), "")
    return {
        "sample_id": str(sample["doc_id"]),
        "sample_hash": hashlib.sha256(f"{prompt}{[target]}".encode()).hexdigest(),
        "interaction_type": "single_turn",
        "metadata": _texts({name: sample.get(name) for name in ("doc_hash", "prompt_hash", "target_hash")}),
        "input": {"raw": prompt, "formatted": prompt, "reference": [target], "choices": choices or None},
        "output": {"raw": answers},
        "messages": None,
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": extracted,
                "extraction_method": "most likely choice" if choices else sample["filter"],
                "is_terminal": True,
            }
        ],
    }


def _most_likely(choices: Sequence[str], responses: Sequence[Sequence[str]]) -> str:
    """By the log-likelihood of the whole continuation, as in lm-eval's ``acc``."""
    return max(zip(choices, responses, strict=False), key=lambda pair: float(pair[1][0]))[0]


def _as_texts(responses: object) -> list[str]:
    """lm-eval nests what a model said by request and repeat."""
    if isinstance(responses, list):
        return [text for response in responses for text in _as_texts(response)]
    return [str(responses)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _texts(details: Mapping[str, object]) -> dict[str, str]:
    """The schema's details are all text; what is not known is left out."""
    return {name: str(value) for name, value in details.items() if value is not None}
