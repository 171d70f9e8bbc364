"""The written results: one section is made anew, others stay, and a goal that was missed is named."""

from __future__ import annotations

from pathlib import Path

from bench.figures import Figure, Goal, Machine, Spread
from bench.results import write_results


def test_the_section_is_replaced_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Results\n\n## The pipeline\n\nold figures\n\n## Another\n\nkept\n", encoding="utf-8")
    slow = Figure("benchy check", "s", Spread.of([0.7]), goal=Goal(0.5, "ours"), if_missed="It reads too much.")
    more = Figure("  memory", "MiB", Spread.of([2.0]), goal=Goal(1.0, "ours"))
    for _ in range(2):
        write_results(Machine.here(), [slow, more], pairs=5, path=path)
    text = path.read_text("utf-8")
    assert "old figures" not in text
    assert text.count("## The pipeline") == text.count("## Another") == 1
    assert text.endswith("## Another\n\nkept\n")
    assert "- benchy check (s): goal ≤ 0.5. It reads too much.\n- benchy check, memory (MiB): goal ≤ 1." in text
