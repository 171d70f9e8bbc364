"""What Prefect's own client raises where its server went away is known as that."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from benchy.errors import BenchyError, NetworkError, as_benchy_error, naming_unexpected
from tasks.lost_server import is_of_lost_server
from tests.commands import REPOSITORY

GIVEN_UP = """
import socket, threading
from prefect import get_client
from flows.prefect_client import use_server, wait_for_no_server
from tasks.lost_server import is_of_lost_server

dying = socket.create_server(("127.0.0.1", 0))  # it takes each connection, and hangs up

def hang_up():
    while True:
        dying.accept()[0].close()

threading.Thread(target=hang_up, daemon=True).start()
use_server(f"http://127.0.0.1:{dying.getsockname()[1]}/api")
threading.Timer(1.0, wait_for_no_server).start()
try:
    with get_client(sync_client=True) as client:
        client.read_flow_runs()
except Exception as error:
    print(type(error).__name__, is_of_lost_server(error))
"""


def test_a_client_that_is_told_to_wait_no_more_while_it_waits() -> None:
    """It was "unexpected AssertionError ... this is a bug in Benchy" (2 of 134 kills)."""
    done = subprocess.run(
        [sys.executable, "-c", GIVEN_UP], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout == "AssertionError True\n", done.stderr


def test_what_hides_it_is_looked_through_and_other_errors_are_others() -> None:
    with pytest.raises(BenchyError) as caught, naming_unexpected():
        raise httpx.ConnectError("refused")
    assert is_of_lost_server(caught.value)
    assert not is_of_lost_server(as_benchy_error(AssertionError("of something else")))
    assert not is_of_lost_server(NetworkError("the Hub is away"))
