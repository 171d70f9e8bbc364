"""Hostile and damaged lines among the answers that a run goes on with."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchy.worker.answers.store import AnswerStore
from tests.fuzz.hostile import changed, values
from tests.fuzz.sandbox import Sandbox

ANSWERS: dict[str, Any] = {
    "of": "?",
    "seconds": 0.5,
    "answers": [["key", [-1.5, True]], ["other", "text"]],
    "note": {"a": 1},
}


def _lines(rows: list[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode("utf-8", "surrogatepass")


@given(data=st.data())
def test_answers(sandbox: Sandbox, data: st.DataObject) -> None:
    path = sandbox.renewed() / "answers.jsonl"
    store = AnswerStore(path, {"model": "m"})
    store.keep([("key", 1.5)])
    store.close()
    honest = path.read_bytes()
    line = json.loads(honest) | ANSWERS | {"of": json.loads(honest)["of"]}
    foreign = data.draw(st.one_of(changed(line), values).map(lambda found: _lines([found])) | st.binary(max_size=40))
    path.write_bytes(honest + foreign + honest)

    def go_on() -> None:
        again = AnswerStore(path, {"model": "m"})
        assert len(again.take(["key", "key", "other"])) == 3
        again.keep([("key", 2.5)])
        again.close()

    assert sandbox.call(go_on) is None
