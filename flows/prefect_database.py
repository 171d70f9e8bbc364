"""The SQLite database of Prefect's embedded server: puts one aside that this version of Prefect cannot read."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_UNREADABLE = re.compile(
    "file is not a database|database disk image is malformed|Can't locate revision identified by|no such table|"
    "unsupported file format"
)
"""How SQLite names a damaged database, and alembic one of a newer Prefect."""


def put_aside_if_unreadable(reason: str, *, since: float) -> Path | None:
    """Rename the database, and what SQLite keeps beside it, if the server did not start for its sake.

    Args:
        reason: the server's last words.
        since: when the server was started, by the wall clock: what was written later is another server's work.

    Returns:
        Where the database is now; None if it is as it was.
    """
    database = _own_database()
    if not _UNREADABLE.search(reason) or database is None or not database.is_file():
        return None
    if database.stat().st_mtime > since:
        return None
    aside = f"{database.name}.unreadable-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(database.with_name(aside + suffix))
    return database.with_name(aside)


def _own_database() -> Path | None:
    """Return the one in Prefect's home; None where another is configured, which is not Benchy's to move."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    database = Path(settings.home) / "prefect.db"
    url = settings.server.database.connection_url
    return database if url is None or url.get_secret_value() == f"sqlite+aiosqlite:///{database}" else None
