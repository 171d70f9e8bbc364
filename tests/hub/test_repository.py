"""A repository is named as a person names it, and looked at where a person looks."""

from __future__ import annotations

import pytest

from benchy.errors import EvaluationFailed, ModelNotFound
from benchy.hub import RemoteFile, Repo
from benchy.hub.repository import Listing, client
from tests.hub.fixtures import loopback_hub, own_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub", "own_hub"]


@pytest.mark.parametrize(
    ("repo", "noun", "page"),
    [
        (Repo("org/tiny"), "model", "/org/tiny"),
        (Repo("gpt2"), "model", "/gpt2"),
        (Repo("org/tiny", revision="v2"), "model", "/org/tiny"),
        (Repo("org/board", "dataset"), "data set", "/datasets/org/board"),
    ],
)
def test_a_repository_has_a_noun_and_a_page(own_hub: LoopbackHub, repo: Repo, noun: str, page: str) -> None:
    assert repo.noun == noun
    assert repo.page == own_hub.endpoint + page


def test_without_words_it_is_a_model_at_its_main_branch() -> None:
    repo = Repo("org/tiny")
    assert (repo.kind, repo.revision, repo.missing) == ("model", None, ModelNotFound)


def test_equal_repositories_are_one_key() -> None:
    two = {Repo("org/tiny"): 1, Repo("org/tiny", "model", None): 2, Repo("org/tiny", revision="main"): 3}
    assert two == {Repo("org/tiny"): 2, Repo("org/tiny", revision="main"): 3}
    assert Repo("a", missing=EvaluationFailed) != Repo("a")


def test_a_listing_is_what_a_commit_holds() -> None:
    assert Listing("c0ffee", {"a": RemoteFile(1, "e")}) == Listing("c0ffee", {"a": RemoteFile(size=1, etag="e")})


def test_the_client_asks_this_hub_and_says_who_it_is(own_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client().endpoint == own_hub.endpoint
    assert client().library_name == "benchy"
    monkeypatch.setenv("HF_TOKEN", own_hub.add_user("ada"))
    assert client().whoami()["name"] == "ada"
    assert [seen.user for seen in own_hub.seen if seen.path == "/api/whoami-v2"] == ["ada"]
