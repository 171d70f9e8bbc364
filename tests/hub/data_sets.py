"""A data set for the loopback Hub in the format of the real one: allenai/ai2_arc, with questions of our own."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

_CARD = """---
configs:
- config_name: ARC-Easy
  data_files:
  - {split: train, path: ARC-Easy/train-*}
  - {split: validation, path: ARC-Easy/validation-*}
  - {split: test, path: ARC-Easy/test-*}
---
# AI2 ARC, as the tests make it up
"""


def arc_easy(questions: int = 8, *, first_answer: str = "A") -> dict[str, bytes]:
    """Return the data set's files; ``first_answer`` is said to be right for the first question of each split."""
    splits = ("train", "validation", "test")
    files = {f"ARC-Easy/{split}-00000-of-00001.parquet": _rows(split, questions, first_answer) for split in splits}
    return {"README.md": _CARD.encode()} | files


def _rows(split: str, questions: int, first_answer: str) -> bytes:
    rows = [
        {
            "id": f"{split}_{number}",
            "question": f"Which number comes after {number}?",
            "choices": {"text": [str(number + 1), str(number), "none", "all"], "label": ["A", "B", "C", "D"]},
            "answerKey": first_answer if number == 0 else "A",
        }
        for number in range(questions)
    ]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()
