"""The record is changed by named methods: each leaves the rest as it was, and writes nothing that cannot be read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from benchy.errors import ErrorData
from benchy.record import (
    Prepared,
    RunRecord,
    Seconds,
    Uploaded,
    WandbRun,
    is_edited,
    now,
    read_record,
    write_record,
)
from benchy.record.run_record import RecordChanges
from tests.records import make_environment, make_record

OLD = Path(__file__).parent / "record_of_0.1.0.json"
"""As the release before typed records wrote it."""


@pytest.fixture
def started() -> RunRecord:
    """Return a run of which nothing is done."""
    return RunRecord(
        run_name="run",
        run_id="id",
        status="started",
        is_test=False,
        started_at=now(),
        benchy_version="0",
        config=make_record().config,
        log_file="log",
    )


def test_a_whole_run_is_written_step_by_step(started: RunRecord, tmp_path: Path) -> None:
    finished = make_record()
    assert finished.model is not None
    assert finished.model_test is not None
    assert finished.evaluation is not None
    prepared = Prepared(
        model=finished.model,
        environment=make_environment(),
        benchmarks=("arc_easy",),
        data_sets={"data": "commit"},
        download_seconds=3,
    )
    end = started.started_at + timedelta(hours=1)
    uploaded = Uploaded(url="board", already_there=False, rank=1, upload_seconds=0.5)
    record = started.run_in("docker").of_flow_run("flow").prepared(prepared).tested(finished.model_test)
    assert (record.status, record.ended_at) == ("tested", None)
    record = record.evaluated(finished.evaluation, {"results.json": "0" * 64}, at=end)
    assert (record.status, record.ended_at) == ("evaluated", end)
    record = record.published(uploaded, at=end).logged_to_wandb(WandbRun(url="wandb"))

    write_record(record, tmp_path)
    read = read_record(tmp_path)
    assert read == record.model_copy(update={"seal": read.seal})
    assert not is_edited(tmp_path)
    assert (read.status, read.flow_run_id, read.data_sets) == ("published", "flow", {"data": "commit"})
    tested, evaluated = finished.model_test, finished.evaluation
    assert read.seconds == Seconds(
        download=3,
        load=tested.load_seconds,
        generate=tested.generation_seconds,
        task_build=evaluated.task_build_seconds,
        inference=evaluated.inference_seconds,
        scoring=evaluated.scoring_seconds,
        upload=0.5,
    )
    assert read.runtime == "docker"
    untouched = {"run_name", "run_id", "is_test", "started_at", "benchy_version", "config", "log_file", "facts"}
    assert all(getattr(read, name) == getattr(started, name) for name in untouched)


@pytest.mark.parametrize(("kind", "status"), [("Interrupted", "interrupted"), ("WorkerDied", "failed")])
def test_what_ended_a_run_is_kept_without_its_traceback_until_it_goes_on(
    started: RunRecord, kind: str, status: str
) -> None:
    failed = started.failed(ErrorData(kind=kind, message="it ended", traceback="secret paths"), at=now())
    assert (failed.status, failed.error) == (status, ErrorData(kind=kind, message="it ended"))
    finished = make_record()
    assert finished.model_test
    assert failed.tested(finished.model_test).error is None


def test_what_is_published_stays_published(started: RunRecord) -> None:
    uploaded = Uploaded(url="board", already_there=False, rank=1, upload_seconds=0.5)
    published = started.published(uploaded, at=now())
    assert published.failed(ErrorData(kind="WorkerDied", message="later"), at=now()) is published


def test_a_typo_is_an_error_for_mypy_and_refused(started: RunRecord) -> None:
    """``Seconds().model_copy(update={"dowload": 3})`` was accepted, and the second was in no record.

    The comments are the test for mypy: one that is not needed is an error of ``make check``.
    """
    with pytest.raises(ValidationError, match="stauts"):
        started._changed(stauts="tested")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="status"):
        started._changed(status="testde")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="dowload"):
        Seconds(dowload=3)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="dowload"):
        Seconds().model_copy(update={"dowload": 3})
    with pytest.raises(ValidationError, match="load"):
        Seconds().model_copy(update={"load": "not a number"})


def test_the_types_of_changes_are_those_of_the_record() -> None:
    changes, fields = get_type_hints(RecordChanges), get_type_hints(RunRecord)
    fields["ended_at"] = datetime  # with its zone, which pydantic checks
    assert changes == {name: fields[name] for name in changes}


def test_a_record_of_before_is_read_without_loss(tmp_path: Path) -> None:
    """Fields that it lacks have their defaults, and what it says stays as it is, also when it is written again."""
    (tmp_path / "record.json").write_bytes(OLD.read_bytes())
    record = read_record(tmp_path)
    write_record(record, tmp_path)
    assert read_record(tmp_path).model_copy(update={"seal": None}) == record
    lost = _differences(json.loads(OLD.read_bytes()), json.loads((tmp_path / "record.json").read_bytes()))
    assert lost == []


def _differences(old: object, new: object, where: str = "") -> list[str]:
    """Return what of the old is not in the new."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [one for key in old for one in _differences(old[key], new.get(key), f"{where}.{key}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            one
            for number, pair in enumerate(zip(old, new, strict=True))
            for one in _differences(*pair, f"{where}.{number}")
        ]
    return [] if old == new else [where]
