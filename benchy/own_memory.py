"""Closes this process to others of the same user: its environment holds the tokens that may write."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_DUMPABLE = 4
"""prctl(2)."""


def close_to_others() -> bool:
    """Let no process of this user read this one's memory or environment (/proc/PID/environ); whether that holds.

    It does not for root, who may read all, and not outside Linux.
    """
    if sys.platform != "linux":
        return False
    closed = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    return closed and os.geteuid() != 0
