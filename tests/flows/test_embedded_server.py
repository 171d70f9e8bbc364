"""The embedded server: no other program and no web page uses it, and it has none of the host's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from benchy.runs.log import RunLog
from flows.embedded_server import EmbeddedServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    monkeypatch.setenv("HF_UPLOAD_TOKEN", "hf_write")
    with closing(RunLog(tmp_path / "log")) as log:
        started = EmbeddedServer(log)
        started.wait_until_ready()
        yield started
        started.stop()


def test_who_does_not_know_the_password_of_this_run_is_refused(server: EmbeddedServer) -> None:
    asked = f"{server.url}/flow_runs/filter"
    page = {"Origin": "https://evil.example"}
    assert httpx.post(asked, json={}, headers=page).status_code == 401
    assert httpx.post(asked, content=b"{}", headers=page).status_code == 401  # what a page may send without asking
    preflight = httpx.options(asked, headers=page | {"Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in preflight.headers
    user, _, password = server.password.partition(":")
    assert httpx.post(asked, json={}, auth=(user, password)).is_success
    assert b"hf_write" not in Path(f"/proc/{server.pid}/environ").read_bytes()
