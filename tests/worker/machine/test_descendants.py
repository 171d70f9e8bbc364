"""What the processes take that another one started."""

from __future__ import annotations

import os
import subprocess
import sys

from benchy.worker.machine.descendants import peak_of_descendants

HOLDS = "import sys; held = bytearray(100 << 20); print(len(held), flush=True); sys.stdin.read()"
STARTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLDS!r}])"


def test_grandchildren_count_and_this_process_does_not() -> None:
    before = peak_of_descendants(os.getpid())
    with subprocess.Popen([sys.executable, "-c", STARTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while_it_holds = peak_of_descendants(os.getpid())
        assert (100 << 20) < while_it_holds - before < (400 << 20)
        child.communicate()
    assert peak_of_descendants(child.pid) == 0
