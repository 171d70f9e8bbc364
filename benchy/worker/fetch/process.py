"""The process that fetches: one of its own, since a hanging transfer can only be killed.

Reads a :class:`FetchRequest` from stdin, prints a line when it begins to fetch, and at last an error of the tree, or
nothing. Ends when its input ends.
"""

from __future__ import annotations

import glob
import os
import sys
import threading

from pydantic import BaseModel, ConfigDict

from benchy.errors import BenchyError
from benchy.hub import Repo, naming_failures, retried

CHUNK_BYTES = 1 << 20
"""huggingface_hub's 10 MiB would hide the progress of a slow line, and be lost with each dropped connection."""


class FetchRequest(BaseModel):
    """What to fetch: files of a repository at a commit."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    commit: str
    files: tuple[str, ...]
    at_once: int


def main() -> None:
    """Fetch what the first line of stdin asks for."""
    request = FetchRequest.model_validate_json(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    import huggingface_hub.file_download  # noqa: F401 - what takes long

    print("ready", flush=True)  # noqa: T201
    try:
        fetch(request)
    except BenchyError as error:
        print(error.to_data().model_dump_json(), flush=True)  # noqa: T201 - the answer
        os._exit(1)  # threads that wait for the Hub would hold it back


def fetch(request: FetchRequest) -> None:
    """Fetch the files into the cache; those that are there are not fetched again.

    Raises:
        AccessDenied, ModelNotFound, NetworkError, DiskFull: they cannot be fetched.
    """
    from huggingface_hub import constants, snapshot_download

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK_BYTES
    repo = Repo(request.name, "dataset" if request.kind == "dataset" else "model", request.commit)
    with naming_failures(repo):
        retried(
            lambda: snapshot_download(
                repo.name,
                repo_type=repo.kind,
                revision=repo.revision,
                allow_patterns=[glob.escape(path) for path in request.files],
                max_workers=request.at_once,
            )
        )


def _end_with_input() -> None:
    """End at once when the worker is gone: nobody waits for the files."""
    sys.stdin.read()
    os._exit(3)


if __name__ == "__main__":
    main()
