"""Makes folders of lm-eval's files without a model: what a comparison reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MOMENT = "2026-01-01T00-00-00.000000"
TASK = {"output_type": "multiple_choice", "doc_to_text": "{{q}}", "doc_to_target": "{{a}}", "num_fewshot": 0}


def sha(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


def write_run(
    folder: Path,
    scores: Mapping[str, Sequence[float]],
    *,
    groups: Mapping[str, tuple[Sequence[str], float]] | None = None,
    settings: Mapping[str, Any] | None = None,
    metric: str = "acc",
    more_is_better: bool = True,
    value: float | None = None,
    total: int | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
    template: str | None = None,
    version: float = 1.0,
) -> Path:
    """Return a folder as ``lm_eval run --log_samples`` leaves it.

    Args:
        folder: its name is the model's.
        scores: of each benchmark's documents, in their order.
        groups: members and score, by name.
        settings: changes to the task's own.
        metric: what the scores are.
        more_is_better: of that metric.
        value: the benchmark's score, where it is no mean.
        total: how many documents the benchmark has; as many as were evaluated if not set.
        documents: of each benchmark; made up if not set.
        template: the chat template.
        version: of each benchmark.
    """
    folder.mkdir(parents=True)
    means = {name: value if value is not None else sum(row) / len(row) for name, row in scores.items()}
    results: dict[str, Any] = {
        "results": {name: {f"{metric},none": mean, f"{metric}_stderr,none": 0.1} for name, mean in means.items()},
        "groups": {name: {f"{metric},none": score} for name, (_, score) in (groups or {}).items()},
        "group_subtasks": {name: list(members) for name, (members, _) in (groups or {}).items()},
        "configs": {name: {"task": name, **TASK, **(settings or {})} for name in scores},
        "versions": dict.fromkeys(scores, version),
        "n-shot": dict.fromkeys(scores, 0),
        "higher_is_better": {name: {metric: more_is_better} for name in scores},
        "n-samples": {name: {"original": total or len(row), "effective": len(row)} for name, row in scores.items()},
        "config": {"fewshot_seed": 1234},
        "lm_eval_version": "0.4.13",
        "model_name": folder.name,
        "chat_template": template,
    }
    (folder / f"results_{MOMENT}.json").write_text(json.dumps(results))
    for name, row in scores.items():
        own = documents or [{"q": f"{name} {index}", "a": index} for index in range(len(row))]
        lines = [
            _sample(index, doc, score, metric, template)
            for index, (doc, score) in enumerate(zip(own, row, strict=True))
        ]
        (folder / f"samples_{name}_{MOMENT}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return folder


def _sample(index: int, doc: Mapping[str, Any], score: float, metric: str, template: str | None) -> dict[str, Any]:
    prompt = f"{template or ''}{doc['q']}"
    return {
        "doc_id": index,
        "doc": dict(doc),
        "target": str(doc["a"]),
        "arguments": {
            "gen_args_0": {"arg_0": prompt, "arg_1": " yes"},
            "gen_args_1": {"arg_0": prompt, "arg_1": " no"},
        },
        "resps": [[[-1.0, False]], [[-2.0, False]]],
        "filtered_resps": [[-1.0, False], [-2.0, False]] if score else [[-2.0, False], [-1.0, False]],
        "filter": "none",
        "metrics": [metric],
        metric: score,
        "doc_hash": sha(json.dumps({key: value for key, value in doc.items() if key != "a"})),
        "prompt_hash": sha(prompt),
        "target_hash": sha(doc["a"]),
    }
