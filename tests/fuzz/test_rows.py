"""Hostile and damaged documents of a benchmark of one's own: each is scored or named, and never taken for a bug."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchy.config import BenchmarkConfig, parse_config
from benchy.protocol import Evaluation
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.loading import loaded_model
from tests.fuzz.hostile import changed, values
from tests.fuzz.sandbox import Sandbox
from tests.worker.conftest import prepared_session
from tests.worker.tiny import write_model

ROW: dict[str, Any] = {"question": "Where?", "choices": ["sea", "field"], "answer": 1, "more": {"a": [1]}}
ROWS = [ROW, ROW | {"question": "When?", "answer": 0}, ROW | {"question": "Who?"}]
CHOICE: dict[str, Any] = {
    "output_type": "multiple_choice",
    "doc_to_choice": "{{choices}}",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
TEXT: dict[str, Any] = {
    "output_type": "generate_until",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 2},
    "metric_list": [{"metric": "exact_match"}],
}
KINDS: list[dict[str, Any]] = [
    CHOICE,
    CHOICE | {"doc_to_target": "answer", "doc_to_choice": "choices"},
    CHOICE | {"num_fewshot": 1},
    CHOICE | {"doc_to_choice": ["sea", "field"]},
    TEXT,
    TEXT | {"num_fewshot": 1},
    {"output_type": "loglikelihood", "metric_list": [{"metric": "acc"}]},
    {"output_type": "loglikelihood_rolling", "metric_list": [{"metric": "word_perplexity"}]},
]
ANSWERS: st.SearchStrategy[Any] = st.sampled_from([99, 2, -1, None, "sea", "9", [], [0, 1], {}, 0.5, True, 2**70])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, LoadedModel]]:
    """Provide a tiny model, loaded once for all cases."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}.items():
            patch.setenv(name, value)
        folder = write_model(tmp_path_factory.mktemp("model"))
        session = prepared_session(_config(folder, tmp_path_factory.mktemp("tasks"), CHOICE, _lines(ROWS)))
        yield folder, loaded_model(session)


@given(data=st.data())
def test_rows(sandbox: Sandbox, model: tuple[Path, LoadedModel], data: st.DataObject) -> None:
    rows = [data.draw(st.just(row) | changed(row, values | ANSWERS) | _answered(row)) for row in ROWS]
    content = data.draw(st.just(_lines(rows)) | st.binary(max_size=30).map(lambda junk: _lines(rows) + junk))
    folder, loaded = model
    config = _config(folder, sandbox.renewed(), data.draw(st.sampled_from(KINDS)), content)

    def evaluate() -> None:
        session = prepared_session(config)
        session.model = loaded
        evaluation(session, Evaluation(run_folder=str(sandbox.case / "run")))

    sandbox.call(evaluate)


def _answered(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return ANSWERS.map(lambda answer: row | {"answer": answer})


def _lines(rows: list[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def _config(model: Path, folder: Path, kind: dict[str, Any], rows: bytes) -> BenchmarkConfig:
    (folder / "rows.jsonl").write_bytes(rows)
    files = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / "rows.jsonl")}}}
    asked = {"task": "own", "test_split": "test", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}"}
    (folder / "own.yaml").write_text(yaml.safe_dump(asked | files | kind), encoding="utf-8")
    evaluation: dict[str, Any] = {"tasks": "own", "include_path": str(folder), "device": "cpu", "batch_size": 2}
    return parse_config(
        {"model": {"name": str(model), "dtype": "float32"}, "evaluation": evaluation | {"output_path": str(folder)}},
        source="test",
    )
