"""Groups of groups, made small as MMLU and the Open LLM Leaderboard are, rank with true counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from benchy.leaderboard.page.rendering import to_html
from benchy.leaderboard.ranking import rank
from benchy.protocol import Evaluation
from benchy.record import BenchmarkResult, RunRecord
from benchy.worker.evaluation.evaluate import evaluation
from tests.records import make_record
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import read_files
from tests.worker.tiny import write_tasks


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """``mmlu_like``: two groups of benchmarks that all have ``acc``. ``board_like``: members of unlike metrics."""
    folder = write_tasks(tmp_path / "tasks", documents=6)
    several = yaml.safe_load((folder / "tiny_choice.yaml").read_text())
    for name in ("algebra", "physics", "law", "norm_a", "norm_b"):
        write(folder, name, several | {"task": name})
    write(folder, "partly", several | {"task": "partly"})
    with (folder / "partly.yaml").open("a") as file:
        file.write("process_results: !function partly.score\n")
    (folder / "partly.py").write_text(
        "def score(doc, results):\n    return {'acc': 1.0} | ({'acc_norm': 1.0} if doc['id'] < 4 else {})\n"
    )
    write(folder, "stem", group("stem", ["algebra", "physics"], "acc"))
    write(folder, "humanities", group("humanities", ["law"], "acc"))
    write(folder, "mmlu_like", group("mmlu_like", ["stem", "humanities"], "acc"))
    write(folder, "norms", group("norms", ["norm_a", "norm_b"], "acc_norm"))
    members = ["norms", "tiny_letter", "tiny_text", "partly"]
    write(folder, "board_like", group("board_like", members, "acc", "acc_norm", "exact_match"))
    return folder


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


def group(name: str, members: list[str], *metrics: str) -> dict[str, Any]:
    means = [{"metric": metric, "weight_by_size": True} for metric in metrics]
    return {"group": name, "task": members, "aggregate_metric_list": means}


def test_groups_of_groups_rank_with_true_counts(make_config: MakeConfig, tasks: Path, tmp_path: Path) -> None:
    config = make_config("mmlu_like,board_like", include_path=str(tasks))
    result = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "run")))

    groups = {part.name: part for part in result.groups}
    assert described(groups["mmlu_like"]) == (2, 18, {"acc": (True, 18)})
    assert described(groups["board_like"])[1:] == (
        30,
        {"acc": (True, 24), "acc_norm": (True, 16), "exact_match": (True, 6)},
    )
    assert groups["board_like"].num_fewshot is None, "tiny_letter has no examples, the others have two"
    plain = read_files(tmp_path / "run")[0]["results"]
    for part in result.groups:
        assert {metric.name: metric.value for metric in part.metrics} == {
            metric.name: plain[part.name][f"{metric.name},none"] for metric in part.metrics
        }

    record = make_record(benchmarks=result.benchmarks, groups=result.groups)
    (table,) = rank([record]).tables
    assert [row.standing for row in table.rows] == ["ranked"]
    assert columns_of(record) == {
        "mmlu_like": ("acc", 18),
        "norms": ("acc_norm", 12),
        "partly": ("acc", 6),
        "tiny_letter": ("acc", 6),
        "tiny_text": ("exact_match", 6),
    }
    page = to_html(rank([record]), [record])
    assert all(f"{member}: acc" in page for member in ("algebra", "physics", "law")), "members can be seen"


def described(part: BenchmarkResult) -> tuple[int | None, int, dict[str, tuple[bool | None, int | None]]]:
    metrics = {metric.name: (metric.higher_is_better, metric.documents) for metric in part.metrics}
    return part.num_fewshot, part.documents, metrics


def columns_of(record: RunRecord) -> dict[str, tuple[str, int]]:
    (table,) = rank([record]).tables
    asked = [column.conditions for column in table.columns]
    return {column.benchmark: (column.metric, column.documents) for column in asked}
