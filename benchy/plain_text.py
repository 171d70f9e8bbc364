"""Makes text plain: without what moves a cursor, changes colours or turns a line round where it is shown."""

from __future__ import annotations

import re
from typing import Any

_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
"""What a terminal obeys: colours and movements (CSI), titles and links (OSC), the two-letter ones (ECMA-48)."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Control characters but tab and line end, and those that turn the direction of a line or have no width (of Unicode's
Cc, Cf, Zl, Zp and Cs); joiners, which scripts and emoji need, stay."""


def plain(text: str) -> str:
    r"""Remove a terminal's sequences, and escape what else cannot be seen: a direction override becomes ``\u202e``."""
    return _UNSEEN.sub(_escaped, _SEQUENCES.sub("", text))


def plain_line(text: str) -> str:
    """Return the same in one line: a line end would begin a line that somebody else seems to have written."""
    return " ".join(plain(text).split("\n"))


def plain_data(value: Any) -> Any:
    """Return the same for all texts in parsed JSON."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [plain_data(item) for item in value]
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    return value


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
