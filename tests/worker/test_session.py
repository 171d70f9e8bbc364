"""A worker that was not prepared says so."""

from __future__ import annotations

import pytest

from benchy.config import parse_config
from benchy.errors import WorkerError
from benchy.record import ModelIdentity
from benchy.worker.session import Session

CONFIG = parse_config({"model": {"name": "m"}, "evaluation": {"tasks": "t"}}, source="test")
IDENTITY = ModelIdentity(name="m", source="hub", commit="c")


def test_what_was_prepared_is_given() -> None:
    session = Session(emit=lambda _event: None, config=CONFIG, identity=IDENTITY)
    assert session.prepared() == (CONFIG, IDENTITY)


@pytest.mark.parametrize(("config", "identity"), [(None, None), (CONFIG, None), (None, IDENTITY)])
def test_before_that_there_is_an_error(config: object, identity: object) -> None:
    session = Session(emit=lambda _event: None, config=config, identity=identity)  # type: ignore[arg-type]
    with pytest.raises(WorkerError, match="was not prepared") as failed:
        session.prepared()
    assert failed.value.hint == "send `prepare` first"
