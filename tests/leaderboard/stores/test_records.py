"""Published records are read in the order in which they came; what is none is set aside and stops nobody."""

from __future__ import annotations

import pytest

from benchy.errors import UploadFailed
from benchy.hashing import hash_content
from benchy.leaderboard.stores.records import CHANGED, Received, read_stored
from benchy.record import RunRecord
from tests.records import make_record


def content(record: RunRecord) -> bytes:
    return record.model_dump_json().encode()


A, B = (make_record(f"org/{name}", run_name=name, day=day) for name, day in (("a", 5), ("b", 1)))


def received(*records: RunRecord) -> bytes:
    return Received(runs={record.run_name: hash_content(content(record)) for record in records}).to_bytes()


def test_the_stores_own_order_counts_and_what_it_does_not_know_comes_after_by_its_clock() -> None:
    contents = {"a": content(A), "b": content(B)}
    assert list(read_stored(contents).records) == ["b", "a"]
    assert list(read_stored(contents, received(A, B)).records) == ["a", "b"]
    assert list(read_stored(contents, received(A)).records) == ["a", "b"]
    assert list(read_stored(contents, b"{").records) == ["b", "a"], "made anew"


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (None, "its record cannot be read"),
        (b"[]", "its record cannot be read"),
        (b"[" * 99_999, "its record cannot be read"),
        (content(B), "record.json is not that of a finished run of this name"),
        (content(A).replace(b'"value":0.5', b'"value":1e300'), "the acc of arc_easy is 1e+300"),
    ],
    ids=["nothing", "a list", "deep", "another's", "impossible"],
)
def test_what_is_no_record_is_set_aside_with_the_reason(found: bytes | None, why: str) -> None:
    stored = read_stored({"a": found, "b": content(B)})
    assert list(stored.records) == ["b"]
    assert stored.set_aside["a"].startswith(why)


def test_a_record_that_was_changed_is_put_back_by_the_same_run_alone() -> None:
    stored = read_stored({"a": content(A).replace(b"0.5", b"0.9")}, received(A))
    assert stored.set_aside == {"a": CHANGED}
    assert not stored.holds(A, content(A)), "to be put back"
    with pytest.raises(UploadFailed, match="records/a is there, but its record was changed"):
        stored.holds(A, b"another")
    assert list(stored.with_record(A, content(A)).records) == ["a"]


def test_a_run_is_held_once_and_its_name_is_its_own() -> None:
    stored = read_stored({"a": content(A)})
    assert stored.holds(A, content(A))
    assert not stored.holds(B, content(B))
    with pytest.raises(UploadFailed, match="records/a holds another run"):
        stored.holds(make_record("org/x", run_name="a"), b"")


def test_a_new_one_comes_last_and_one_that_is_put_back_keeps_its_place() -> None:
    stored = read_stored({"a": content(A), "b": content(B)}, received(A, B))
    new = make_record("org/c", run_name="c")
    assert list(stored.with_record(new, content(new)).records) == ["a", "b", "c"]
    assert list(stored.with_record(A, content(A)).records) == ["a", "b"]


def test_some_may_be_set_aside_afterwards() -> None:
    stored = read_stored({"a": content(A), "b": content(B)}).without({"a": "no page can be made of it"})
    assert (list(stored.records), stored.set_aside) == (["b"], {"a": "no page can be made of it"})
