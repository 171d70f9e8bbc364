"""A dataset's commit decides by what it changes: another gold answer opens another column, another README does not."""

from __future__ import annotations

from pathlib import Path

from benchy.leaderboard.board import Board
from tests.hub.commands import benchy_on, hub_config
from tests.hub.data_sets import arc_easy
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def test_runs_on_two_commits_share_a_column_only_if_they_ask_the_same(
    loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    data = loopback_hub.add_repository("allenai/ai2_arc", arc_easy(), repo_type="dataset")
    config = hub_config(tmp_path, evaluation={"tasks": "arc_easy"}, upload={"to": str(tmp_path / "leaderboard")})
    changes = [{}, {"README.md": arc_easy()["README.md"] + b"\nMore words.\n"}, arc_easy(first_answer="B")]
    for change in changes:
        if change:
            data.commit(change)
        done = benchy_on(loopback_hub, tmp_path, "run", config)
        assert done.returncode == 0, done.stderr

    board = Board.model_validate_json((tmp_path / "leaderboard" / "leaderboard.json").read_bytes())
    columns = [
        (column.id, [cell for row in table.rows if (cell := row.cells[number])])
        for table in board.tables
        for number, column in enumerate(table.columns)
    ]
    assert sorted(1 + sum(len(cell.older) for cell in cells) for _, cells in columns) == [1, 2]
    (said,) = {column.differs for table in board.tables for column in table.columns if column.differs} or {()}
    assert len({identity for identity, _ in columns}) == 2
    assert not said or "answer" in " ".join(said)
