"""The messages between host and worker: one JSON object a line."""

from __future__ import annotations

import json

import pytest

from benchy.config import UploadConfig, parse_config
from benchy.errors import ErrorData
from benchy.protocol import (
    REQUESTS,
    Evaluation,
    ModelTest,
    Phase,
    Prepare,
    Progress,
    Reply,
    Upload,
    decode_answer,
    decode_request,
    encode_event,
    encode_reply,
    encode_request,
)
from benchy.record import Uploaded
from tests.records import make_record

CONFIG = parse_config(
    {
        "model": {"name": "a/b", "args": {"add_bos_token": True}},
        "evaluation": {"tasks": "x,y", "seed": [1, 2, 3, 4], "gen_kwargs": {"temperature": 0.5}, "limit": 0.25},
        "gpus": [0, "GPU-8f2c"],
    },
    source="test",
)


@pytest.mark.parametrize(
    "request_",
    [
        Prepare(config=CONFIG),
        ModelTest(prompt="“Grüße”\nzweite Zeile"),
        Evaluation(run_folder="/a b"),
        Upload(record=make_record(), run_folder="x", config=UploadConfig(to="y")),
    ],
)
def test_a_request_is_one_line_and_comes_back_equal(request_: Prepare | ModelTest | Evaluation | Upload) -> None:
    line = encode_request(7, request_)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_request(line) == (7, request_)


def test_every_request_is_known_by_its_method() -> None:
    named = {"fetch", "build", "import", "prepare", "model_test", "evaluation", "upload", "wandb", "recompute"}
    assert set(REQUESTS) == named


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello\n",
        b"[]\n",
        b"7\n",
        b'{"id": 1}\n',
        b'{"id": 1, "method": "dance", "params": {}}\n',
        b'{"id": 1, "method": "upload", "params": {"run_folder": "x"}}\n',
        b'{"id": 1, "method": "model_test", "params": {"loud": true}}\n',
    ],
)
def test_what_is_no_request_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any: JSON's, pydantic's and our own are all ValueErrors
        decode_request(line)


@pytest.mark.parametrize(
    "event",
    [Progress(label="Downloading", done=1, total=None, unit="B"), Phase(name="load")],
)
def test_an_event_comes_back_equal(event: Progress | Phase) -> None:
    assert decode_answer(encode_event(event)) == event


def test_a_result_and_an_error_are_replies() -> None:
    uploaded = Uploaded(url="file:///x", already_there=False, rank=1, upload_seconds=0.5)
    reply = decode_answer(encode_reply(3, uploaded))
    assert isinstance(reply, Reply)
    assert Uploaded.model_validate(reply.result) == uploaded
    error = ErrorData(kind="DiskFull", message="full")
    assert decode_answer(encode_reply(4, error)) == Reply(4, None, error)


@pytest.mark.parametrize("line", [b"Launching 2 processes\n", b"[1]\n", b'{"result": {}}\n', b'{"id": "x"}\n'])
def test_what_is_no_answer_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        decode_answer(line)


def test_numbers_that_json_lacks_are_not_sent() -> None:
    line = encode_event(Progress(label="x", done=1, total=2, unit="it", rate=float("nan")))
    assert json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))["rate"] is None
