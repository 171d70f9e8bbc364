"""Masks the secrets that this process knows in whatever it says, writes or publishes."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from benchy.home_folders import with_home

if TYPE_CHECKING:
    import logging

MASK = "***"
SHORTEST = 8
"""Characters of the shortest value that is masked: a shorter one is part of many a word."""

_SECRET_VARIABLE = re.compile(r"token(?!iz)|api_?key|secret|passw|credential|auth|(^|_)key(_|$)", re.IGNORECASE)
"""A variable of the environment whose name says that its value is a secret."""
_SECRET_KEY = re.compile(
    r"(.*_)?(api_?key|secret(_?key)?|(access|private|subscription|functions|open_?ai|anthropic|azure)_?key"
    r"|passw(or)?d|pwd|passphrase|authorization|auth|cookie|credentials?|jwt|pat"
    r"|(auth|access|api|hf|hub|bearer|refresh|session|security|user|github|gitlab)_?token)|token|use_auth_token",
    re.IGNORECASE,
)
"""A key of a mapping whose text is a secret; ``tokenizer`` and ``pad_token`` are none."""
_SHAPES = re.compile(
    r"(?P<hub>\bhf_)[A-Za-z0-9]{20,}"
    r"|(?P<api>\bsk-)[A-Za-z0-9_-]{20,}"
    r"|(?P<forge>\b(?:gh[opsu]_|github_pat_|glpat-|xox[abp]-))[A-Za-z0-9_-]{16,}"
    r"|(?P<lone>://)[^/\s:@\"'*]{12,}(?=@)"
    r"|(?P<scheme>\b(?:Bearer|Basic) )(?=[A-Za-z._~+/-]*(?:[0-9=]|(?-i:[a-z][A-Z])))[A-Za-z0-9._~+/=-]{8,}"  # no word
    r"|(?P<user>://[^/\s:@]*:)[^/\s@]+(?=@)"
    r"|(?P<named>(?<![\w.?&-])(?:api_?key|access_?key|password|passwd|(?:access|auth)_token)=)[^\s,;&\"'*]+"
    r"|(?P<query>[?&#](?:[\w.-]*[_-])?(?:api_?key|key|token|sig|signature|password|secret|jwt|credential"
    r"|code(?==[^&\s\"'#]{16}))=)[^&\s\"'#]+",
    re.IGNORECASE,
)
"""What looks like a secret, whoever knows it; the group that matched comes before it, and stays."""

_remembered: set[str] = set()


def remember_secret(*secrets: str | None) -> None:
    """Mask these from now on too: secrets that came by a file or a request, not by the environment."""
    _remembered.update(secret for secret in secrets if secret)


def mask(text: str) -> str:
    """Return the text with ``***`` in the place of each secret that is known here, and of what looks like one."""
    return _masking()(text)


def known_secrets_mask() -> Callable[[str], str]:
    """Return what masks only the secrets that are known here: for texts of others, which are else kept as they are."""
    known = _known_pattern()
    return lambda text: known.sub(MASK, text) if known else text


def looks_like_secret(text: str) -> bool:
    """Return whether a text holds what looks like a secret."""
    return _SHAPES.search(text) is not None


def names_secret(key: str) -> bool:
    """Return whether a mapping's key says that its text is a secret."""
    return _SECRET_KEY.fullmatch(key.replace("-", "_")) is not None


def names_secret_header(name: str) -> bool:
    """Return whether a header of HTTP says by its name that it lets somebody in: anybody may call one as they like."""
    return names_secret(name) or _SECRET_VARIABLE.search(name.replace("-", "_")) is not None


def mask_data(value: Any) -> Any:
    """Return JSON data with every text masked; numbers stay as they are."""
    return _mask_in(value, _masking())


def _mask_in(value: Any, masked: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {
            key: MASK if isinstance(part, str) and part and names_secret(str(key)) else _mask_in(part, masked)
            for key, part in value.items()
        }
    return [_mask_in(part, masked) for part in value] if isinstance(value, list | tuple) else value


def _masking() -> Callable[[str], str]:
    """Mask the texts of one call; the environment is read once for all."""
    known = known_secrets_mask()
    return lambda text: _SHAPES.sub(_keep_what_comes_before, known(text))


def mask_log_records() -> None:
    """Mask every line that any library of this process logs, with its traceback, before a handler sees it."""
    import logging  # it takes a tenth of what `benchy --help` takes

    make = logging.getLogRecordFactory()
    if getattr(make, "masks", False):
        return

    def make_masked(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        with suppress(TypeError, ValueError, KeyError):  # of the message and its arguments: the handler says so
            _mask_log_record(record, logging.Formatter())
        return record

    make_masked.masks = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make_masked)


def _mask_log_record(record: logging.LogRecord, formatter: logging.Formatter) -> None:
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = mask(formatter.formatException(record.exc_info))
    said = record.getMessage()
    if (masked := mask(said)) != said:
        record.msg, record.args = masked, ()


def _keep_what_comes_before(found: re.Match[str]) -> str:
    return f"{found[found.lastgroup or 0]}{MASK}"


def _known_pattern() -> re.Pattern[str] | None:
    """One pattern for all; ``re`` keeps the compiled one."""
    forms = {form for secret in _known_secrets() for form in _forms(secret.strip()) if len(secret.strip()) >= SHORTEST}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(_pattern, longest_first))) if forms else None


def _known_secrets() -> Iterator[str]:
    yield from _remembered
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and not _is_path(value):
            yield value
        if "://" in value and "@" in value and (password := _password_of(value)):
            yield password


def _password_of(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None


def _is_path(value: str) -> bool:
    """``HF_TOKEN_PATH``, ``SSH_AUTH_SOCK``: where a secret is, not what it is."""
    try:
        return value.startswith(("/", "~", ".")) and with_home(value).exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _forms(secret: str) -> Iterable[str]:
    """As it is, in an address, in JSON, and in a header of HTTP's basic authentication."""
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()}


def _pattern(form: str) -> str:
    """Digits alone are masked where they stand alone, not in the middle of a number."""
    return rf"(?<![\w.]){form}(?![\w.])" if form.isdigit() else re.escape(form)
