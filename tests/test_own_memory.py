"""Whether another process of the same user can read this one's environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.commands import REPOSITORY

NOBODY = 65534
_LOOK = """
import os, sys
from benchy.own_memory import close_to_others
os.setgid({user}); os.setuid({user})
closed = close_to_others() if {close} else False
if not {close}:
    import ctypes; ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # a change of user closed it already
parent = os.getpid()
if os.fork() == 0:
    try:
        print(closed, b"hf_write" in open(f"/proc/{{parent}}/environ", "rb").read(), flush=True)
    except PermissionError:
        print(closed, "refused", flush=True)
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize(("user", "close", "seen"), [(NOBODY, True, "True refused"), (0, True, "False True")])
def test_a_child_of_the_same_user_cannot_read_the_hosts_tokens_and_root_can(user: int, close: bool, seen: str) -> None:
    code = _LOOK.format(user=user, close=close)
    environment = os.environ | {"HF_UPLOAD_TOKEN": "hf_write"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == seen, done.stderr
