"""Child processes that answer in their own way, as a broken worker or a talkative launcher does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchy.protocol import encode_hello
from benchy.runtimes.client import OnLog, Worker
from benchy.runtimes.process import ProcessTransport
from tests.commands import is_running


@contextmanager
def program(code: str, on_log: OnLog, *, trusted: bool = True, greets: bool = True) -> Iterator[Worker]:
    """Provide the host's end of a process that runs this code; it is gone afterwards."""
    if greets:
        code = f"print({encode_hello().decode().strip()!r}, flush=True)\n{code}"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    started = Worker(ProcessTransport(process), on_log, trusted=trusted)
    try:
        yield started
    finally:
        started.close()
        assert not is_running(process.pid)
