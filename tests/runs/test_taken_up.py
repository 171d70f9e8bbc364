"""Which run is taken up by ``--resume`` or a retried flow run, and what is left to do in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.record import RECORD_FILE, Facts, RunRecord, read_record, write_record
from benchy.runs.opening import open_run
from benchy.runs.run import Run
from tests.records import make_record


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    """Of a run that was evaluated, and whose upload failed."""
    config = config_with(make_record().config, tmp_path, upload={"to": str(tmp_path / "wrong")})
    return make_record().model_copy(
        update={"config": config, "status": "failed", "log_file": str(tmp_path / "old.log")}
    )


def config_with(config: BenchmarkConfig, folder: Path, **sections: dict[str, Any]) -> BenchmarkConfig:
    data = config.model_dump(mode="json")
    own = {"evaluation": {"output_path": str(folder / "outputs")}, "logging": {"log_dir": str(folder / "logs")}}
    for changes in (own, sections):
        data |= {name: (data[name] or {}) | section for name, section in changes.items()}
    return parse_config(data, source="test")


def left(record: RunRecord, folder: Path) -> Path:
    """Return the run's folder, as a run that ended left it."""
    place = folder / "outputs" / record.run_name
    place.mkdir(parents=True)
    write_record(record, place)
    return place


def steps_of(config: BenchmarkConfig, **how: Any) -> tuple[Path, list[str]]:
    """Return the folder of the run that is opened, and what is to be done in it."""
    with open_run(config, Facts(), **how) as run:
        return run.folder, [getattr(step, "__name__", "") for step in run.missing_steps()]


@pytest.mark.parametrize("how", ["resume", "retry"])
def test_after_upload_to_is_mended_a_run_is_only_published(record: RunRecord, tmp_path: Path, how: str) -> None:
    """Test and evaluation were repeated, since the whole config had to be the same; ``--resume`` did so in any case."""
    place = left(record, tmp_path)
    mended = config_with(record.config, tmp_path, upload={"to": str(tmp_path / "board")})
    looked = {"resume": True} if how == "resume" else {"flow_run_id": record.run_id}
    assert steps_of(mended, **looked) == (place, ["upload"])
    with open_run(mended, Facts(), **looked) as run:
        assert run.model_test() == record.model_test
        assert run.evaluation() == record.evaluation, "and no worker was started"
        assert run.record.config.upload == mended.upload
    assert "it is evaluated, and only to be published" in run.log.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("section", "change", "is_same"),
    [
        ("evaluation", {"batch_size": 7, "max_batch_size": 9, "cache_requests": True}, True),
        ("performance", {"collective_timeout": 5}, True),
        ("container", {"memory": "8g"}, True),
        ("download", {"stall_seconds": 5}, True),
        ("evaluation", {"num_fewshot": 3}, False),
        ("evaluation", {"limit": 5}, False),
        ("evaluation", {"seed": 5}, False),
        ("model", {"dtype": "float64"}, False),
        ("performance", {"mixed_precision": "bf16"}, False),
        ("container", {"image": "another"}, False),
    ],
)
def test_what_changes_answers_makes_another_run(
    record: RunRecord, tmp_path: Path, section: str, change: dict[str, Any], is_same: bool
) -> None:
    place = left(record, tmp_path)
    opened, _ = steps_of(config_with(record.config, tmp_path, **{section: change}), resume=True)
    assert (opened == place) is is_same


def test_a_published_run_is_not_taken_up(record: RunRecord, tmp_path: Path) -> None:
    config = config_with(record.config, tmp_path)
    place = left(record.model_copy(update={"config": config.model_copy(update={"upload": None})}), tmp_path)
    assert steps_of(config.model_copy(update={"upload": None}), resume=True)[0] != place


@pytest.mark.parametrize("damage", ["{", "", "[]", '{"schema_version": 9}'])
@pytest.mark.parametrize("how", ["resume", "retry"])
def test_a_record_that_cannot_be_read_is_named_and_the_run_begun_anew(
    record: RunRecord, tmp_path: Path, damage: str, how: str
) -> None:
    """A retried flow run ended with a bug message."""
    place = left(record, tmp_path)
    (place / RECORD_FILE).write_text(damage)
    looked: dict[str, Any] = {"resume": True} if how == "resume" else {"flow_run_id": record.run_id}
    with open_run(record.config, Facts(), **looked) as run:
        assert run.folder != place
        assert list(run.missing_steps())[:1] == [run.model_test]
    assert f"{place / RECORD_FILE} cannot be read: " in run.log.path.read_text("utf-8")
    assert (place / RECORD_FILE).read_text() == damage


def test_what_is_published_is_never_called_failed(record: RunRecord, tmp_path: Path) -> None:
    """Prefect's server was lost after the upload: the record was rewritten to ``failed``."""
    place = left(record.model_copy(update={"status": "published"}), tmp_path)
    run = Run(record.config, place, read_record(place))
    run.fail(RuntimeError("later"))
    run.log.close()
    assert (read_record(place).status, read_record(place).error) == ("published", None)
