"""The data set card: ours where there is none, theirs with our views where there is one."""

from __future__ import annotations

import logging

import pytest
from huggingface_hub import DatasetCard

from benchy.leaderboard.exports.dataset_card import make_card

PATHS = ("leaderboard.parquet", "records/run/results.parquet")


def views(card: bytes) -> list[str]:
    return [config["config_name"] for config in DatasetCard(card.decode()).data["configs"]]


def test_a_new_card_shows_the_tables_that_are_there() -> None:
    card = make_card("org/board", None, PATHS)
    assert views(card) == ["leaderboard", "results"]
    assert "# board" in card.decode()
    assert views(make_card("org/board", card, (*PATHS, "records/run/samples.parquet")))[-1] == "samples"


def test_a_card_that_says_all_of_it_is_not_touched() -> None:
    card = make_card("org/board", None, PATHS)
    mine = card.replace(b"# board", b"# Our board").replace(b"pretty_name: board", b'pretty_name:   "Board"  # mine')
    assert make_card("org/board", mine, PATHS) == mine


@pytest.mark.parametrize(
    "broken", [b"---\nconfigs: [\n---\n# Us\n", b"---\nconfigs: [1]\n---\n", b"---\njust text\n---\n", b"\xff"]
)
def test_a_card_that_cannot_be_read_is_left_alone(broken: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert make_card("org/board", broken, PATHS) == broken
    assert "README.md of org/board is left as it is" in caplog.text
