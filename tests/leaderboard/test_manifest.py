"""A manifest names every file of a published run, and shows what was changed, added or taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchy.errors import ConfigError
from benchy.leaderboard.manifest import (
    ENVELOPE_FILE,
    MANIFEST_FILE,
    find_differences,
    find_signature_problem,
    make_manifest,
)
from tests.records import make_record, read_content

FILES: dict[str, bytes | Path] = {"record.json": b"{}", "results.json": b"[]"}


def pem(key: Ed25519PrivateKey) -> tuple[str, str]:
    """Return a key's private and public form."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def manifest() -> bytes:
    return read_content(make_manifest(make_record(), FILES)[MANIFEST_FILE])


def differences(**changes: bytes | None) -> list[str]:
    files = {name: read_content(content) for name, content in FILES.items()}
    there = {**files, **{name.replace("__", "."): content for name, content in changes.items()}}
    return list(find_differences(manifest(), there.get, [name for name in there if there[name] is not None]))


def test_what_is_as_it_was_has_none() -> None:
    assert differences() == []


def test_each_difference_is_named() -> None:
    assert differences(results__json=b"x", record__json=None) == [
        "record.json is missing",
        "results.json was changed since it was published",
    ]
    assert differences(samples__jsonl=b"") == ["samples.jsonl was not published with this run"]


@pytest.mark.parametrize(
    "made_up",
    [b"", b"[]", b'{"subject": []}', b'{"subject": [{"name": "../x"}]}', pytest.param(b"[" * 99_999, id="deep")],
)
def test_what_is_no_manifest_is_named(made_up: bytes) -> None:
    assert list(find_differences(made_up, FILES.get)) == ["manifest.json cannot be read"]  # type: ignore[arg-type]


def test_it_is_signed_where_a_key_is_given() -> None:
    private, public = pem(Ed25519PrivateKey.generate())
    made = {name: read_content(part) for name, part in make_manifest(make_record(), FILES, private).items()}
    assert find_signature_problem(made[MANIFEST_FILE], made[ENVELOPE_FILE], public) is None
    _, others = pem(Ed25519PrivateKey.generate())
    for envelope, key, said in (
        (None, public, "its manifest is not signed"),
        (made[ENVELOPE_FILE], others, "its manifest is not signed with this key"),
        (b"{}", public, "manifest.dsse.json cannot be read"),
    ):
        assert find_signature_problem(made[MANIFEST_FILE], envelope, key) == said
    other = json.dumps({"other": 1}).encode()
    assert find_signature_problem(other, made[ENVELOPE_FILE], public) == "its manifest is not the one that was signed"


def test_another_kind_of_key_is_named() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ConfigError, match="not of the kind Ed25519"):
        make_manifest(make_record(), FILES, other)
    with pytest.raises(ConfigError, match="no private key in PEM form"):
        make_manifest(make_record(), FILES, "no key")
    with pytest.raises(ConfigError, match="no public key in PEM form"):
        find_signature_problem(b"", b"{}", "no key")
