from __future__ import annotations

import base64
import logging
import sys
from pathlib import Path

import pytest

from benchy.errors import BenchyError, from_data
from benchy.masking import mask, mask_data, mask_log_records, names_secret
from benchy.protocol import Phase, decode_answer, encode_event
from benchy.record import read_record, write_record
from benchy.runs.log import RunLog
from tests.records import make_record

SECRETS = {
    "HF_UPLOAD_TOKEN": "hf_short1 ",
    "OPENAI_API_KEY": "planted-openai",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+key",
    "PGPASSWORD": 'pl"anted-postgres',
    "PREFECT_SERVER_API_AUTH_STRING": "admin:planted-prefect",
    "HTTPS_PROXY": "http://somebody:planted-proxy@proxy:3128",
}


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what must be seen nowhere."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    values = [value.strip() for name, value in SECRETS.items() if name != "HTTPS_PROXY"]
    return [*values, "planted-proxy"]


def test_every_secret_of_the_environment_is_masked_wherever_it_stands(planted: list[str]) -> None:
    for secret in planted:
        basic = base64.b64encode(secret.encode()).decode()
        said = mask(f"b'Bearer {secret}' in x={secret}, Basic {basic}")
        assert secret not in said
        assert basic not in said
    assert mask(f"http://somebody:{planted[-1]}@proxy:3128/x") == "http://somebody:***@proxy:3128/x"


def test_no_way_out_lets_a_secret_through(planted: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Errors (terminal, Prefect's states), what a worker says, the log, the record, and all that libraries log."""
    text = "; ".join(planted)
    error = BenchyError(text, hint=text, traceback=text)
    event = decode_answer(encode_event(Phase(name=text)))
    log = RunLog(tmp_path / "run.log")
    log.write([text])
    log.close()
    write_record(make_record(evaluation={"system_instruction": text}), tmp_path)
    mask_log_records()
    try:
        int(text)
    except ValueError:
        logging.getLogger("anybody").exception("Illegal header value %s", text)
    ways_out = [
        str(error), repr(from_data(error.to_data())), str(error.to_data()), str(getattr(error, "__notes__", "")),
        str(event), (tmp_path / "run.log").read_text(), (tmp_path / "record.json").read_text(), caplog.text,
    ]  # fmt: skip
    assert "ValueError" in caplog.text
    for way_out in ways_out:
        assert "***" in way_out
        assert [secret for secret in planted if secret in way_out] == []
    assert read_record(tmp_path).config.evaluation.system_instruction == mask(text)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("hf_abcdefghijklmnopqrstuvwxyz", "hf_***"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("https://u:pw@host/v1?api_key=12&x=1", "https://u:***@host/v1?api_key=***&x=1"),
        ("sk-proj-0123456789abcdefghij", "sk-***"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("the tokenizer's pad_token is basic", "the tokenizer's pad_token is basic"),
        ("Do basic arithmetic; a bearer certificate.", "Do basic arithmetic; a bearer certificate."),
    ],
)
def test_what_looks_like_a_secret_is_masked_whoever_knows_it(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_data_keeps_its_numbers_and_masks_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "12345678")
    data = {"api_key": "short", "pad_token": "x", "n": 0.12345678, "header": {"Authorization": "y"}, "t": "12345678"}
    expected = {"api_key": "***", "pad_token": "x", "n": 0.12345678, "header": {"Authorization": "***"}, "t": "***"}
    assert mask_data(data) == expected
    assert mask("0.123456789") == "0.123456789"


def test_what_is_a_path_or_short_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN_PATH", sys.executable)
    monkeypatch.setenv("CI_TOKEN", "main")
    assert mask(f"main {sys.executable}") == f"main {sys.executable}"
    assert [name for name in ("api-key", "hf_token", "token", "client_secret") if not names_secret(name)] == []
    assert [name for name in ("tokenizer", "eos_token", "max_new_tokens", "keys", "key") if names_secret(name)] == []
