"""The manifest of a published run: SHA-256 of each of its files, as an in-toto statement, signed where a key is given.

Forms: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and envelope.md (DSSE) beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchy.errors import ConfigError
from benchy.hashing import hash_content
from benchy.record import RECORD_FILE, RunRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST_FILE = "manifest.json"
ENVELOPE_FILE = "manifest.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:benchy:run:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

ReadFile = Callable[[str], bytes | None]


def make_manifest(
    record: RunRecord, files: Mapping[str, bytes | Path], signing_key: str | None = None
) -> dict[str, bytes | Path]:
    """Return the manifest's files by name: the statement, and where a key is given its signed envelope.

    Raises:
        ConfigError: the key is none.
    """
    subjects = [{"name": name, "digest": {"sha256": hash_content(files[name])}} for name in sorted(files)]
    run = {"run_name": record.run_name, "run_id": record.run_id, "benchy_version": record.benchy_version}
    statement = {"_type": STATEMENT_TYPE, "subject": subjects, "predicateType": PREDICATE_TYPE, "predicate": run}
    content = (json.dumps(statement, indent=2) + "\n").encode()
    signed = {ENVELOPE_FILE: _sign(content, signing_key)} if signing_key else {}
    return {MANIFEST_FILE: content, **signed}


def find_differences(manifest: bytes, read: ReadFile, there: Iterable[str] = ()) -> Iterator[str]:
    """Say of each file that a manifest names how it differs from what was published, and which files it does not name.

    Args:
        manifest: the statement.
        read: gives a file's content, or None if it is not there.
        there: names of all files beside it.
    """
    try:
        named = {subject["name"]: subject["digest"]["sha256"] for subject in json.loads(manifest)["subject"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        named = {}
    if not all(map(_is_file_name, named)) or RECORD_FILE not in named:  # anybody may have written it
        yield f"{MANIFEST_FILE} cannot be read"
        return
    for name, expected in named.items():
        content = read(name)
        if content is None:
            yield f"{name} is missing"
        elif hash_content(content) != expected:
            yield f"{name} was changed since it was published"
    for name in sorted(set(there) - set(named) - {MANIFEST_FILE, ENVELOPE_FILE}):
        yield f"{name} was not published with this run"


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and Path(name).name == name


def find_signature_problem(manifest: bytes, envelope: bytes | None, public_key: str) -> str | None:
    """Say why the manifest is not what the owner of a public key (PEM) signed; None if it is.

    Raises:
        ConfigError: the key is none.
    """
    from cryptography.exceptions import InvalidSignature

    key = _public_key(public_key)
    if envelope is None:
        return "its manifest is not signed"
    try:
        data = json.loads(envelope)
        payload = base64.b64decode(data["payload"])
        key.verify(base64.b64decode(data["signatures"][0]["sig"]), _to_sign(payload))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return f"{ENVELOPE_FILE} cannot be read"
    except InvalidSignature:
        return "its manifest is not signed with this key"
    return None if payload == manifest else "its manifest is not the one that was signed"


def _sign(content: bytes, signing_key: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(signing_key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("the key that signs is no private key in PEM form without a password", hint=_HINT) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the key that signs is not of the kind Ed25519", hint=_HINT)
    signature = {"keyid": key_id(key.public_key()), "sig": _base64(key.sign(_to_sign(content)))}
    envelope = {"payloadType": PAYLOAD_TYPE, "payload": _base64(content), "signatures": [signature]}
    return (json.dumps(envelope, indent=2) + "\n").encode()


_HINT = "`openssl genpkey -algorithm ed25519 -out key.pem` makes one"


def _public_key(pem: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ConfigError("the key is no public key in PEM form", hint="`openssl pkey -in key.pem -pubout`") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("the key is not of the kind Ed25519", hint=_HINT)
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """Return a name for a public key: SHA-256 of its bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _to_sign(payload: bytes) -> bytes:
    """As DSSE encodes what is signed (https://github.com/secure-systems-lab/dsse/blob/master/protocol.md)."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
