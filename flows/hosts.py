"""The tag that names the host of a flow run."""

from __future__ import annotations

import os
import socket

HOST = "host:"
"""With this begins the tag that names a flow run's host."""


def host_tag() -> str:
    """Each flow run carries it: several hosts may serve the same deployments on one server."""
    return f"{HOST}{os.environ.get('BENCHY_HOST') or socket.gethostname()}"
