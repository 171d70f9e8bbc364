"""A leaderboard is a folder, a data set on the Hub or another package's store, and its token is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchy.config import UploadConfig
from benchy.config.publishing import UPLOAD_TOKEN, WandbConfig

HUB = "hf://datasets/org/board"


@pytest.mark.parametrize(
    ("to", "data_set", "brought", "folder"),
    [
        ("leaderboard", None, None, Path("leaderboard")),
        ("/srv/board", None, None, Path("/srv/board")),
        ("hf/datasets", None, None, Path("hf/datasets")),
        (HUB, "org/board", None, None),
        ("hf://datasets/my.org/board-v2_x", "my.org/board-v2_x", None, None),
        ("own.stores:Sql://host/table", None, ("own.stores:Sql", "host/table"), None),
        ("own:Store://s3://bucket", None, ("own:Store", "s3://bucket"), None),
    ],
)
def test_an_address_is_of_one_kind(
    to: str, data_set: str | None, brought: tuple[str, str] | None, folder: Path | None
) -> None:
    upload = UploadConfig(to=to)
    assert (upload.data_set, upload.brought, upload.folder) == (data_set, brought, folder)


def test_a_folder_may_be_of_this_users_home() -> None:
    assert UploadConfig(to="~/board").folder == Path.home() / "board"


@pytest.mark.parametrize(
    "to",
    [
        "s3://bucket/x",
        "https://huggingface.co/datasets/org/board",
        "hf://org/board",
        "hf://datasets/board",
        "hf://datasets/a/b/c",
        "hf://models/org/board",
        "own:Store://",
        "own.stores.Sql://host",
    ],
)
def test_an_address_of_no_kind_is_refused_with_what_was_expected(to: str) -> None:
    with pytest.raises(ValidationError) as refused:
        UploadConfig(to=to)
    assert f'"upload.to" is {to!r}; expected a folder or hf://datasets/ORG/NAME' in str(refused.value)


@pytest.mark.parametrize("to", ["", "a\0b"])
def test_no_folder_is_called_so(to: str) -> None:
    with pytest.raises(ValidationError):
        UploadConfig(to=to)


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN"])
def test_a_token_that_the_model_can_read_is_refused(name: str) -> None:
    said = f'"upload.token_env" is {name}, which code of the model can read; .* e.g. HF_UPLOAD_TOKEN'
    with pytest.raises(ValidationError, match=said):
        UploadConfig(to=HUB, token_env=name)


@pytest.mark.parametrize("name", ["HF_UPLOAD_TOKEN", "MINE"])
def test_another_variable_is_taken(name: str) -> None:
    assert UploadConfig(to=HUB, token_env=name).token_env == name
    assert UploadConfig(to=HUB).token_env == UPLOAD_TOKEN


@pytest.mark.parametrize("to", ["leaderboard", "own:Store://place"])
def test_a_card_needs_a_leaderboard_on_the_hub(to: str) -> None:
    with pytest.raises(ValidationError, match=r'"upload\.model_card" needs a leaderboard on the Hub'):
        UploadConfig(to=to, model_card=True)
    assert UploadConfig(to=HUB, model_card=True).model_card


def test_a_changed_path_changes_the_address_alone() -> None:
    upload = UploadConfig(to="board", samples=False)
    assert upload.with_paths(lambda path: f"/srv/{path}") == UploadConfig(to="/srv/board", samples=False)


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({}, "project"),
        ({"project": ""}, "project"),
        ({"project": "p", "tags": "one"}, "tags"),
        ({"project": "p", "tags": [1]}, "tags"),
        ({"project": "p", "api_key": "k"}, "api_key"),
    ],
)
def test_a_wrong_key_of_wandb_is_named(keys: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WandbConfig.model_validate(keys)
    assert refused.value.errors()[0]["loc"][0] == wrong


def test_tags_are_a_list() -> None:
    assert WandbConfig.model_validate({"project": "p", "tags": ["a", "b"]}).tags == ("a", "b")
