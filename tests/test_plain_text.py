"""Text without what moves a cursor or turns a line round."""

from __future__ import annotations

import pytest

from benchy.plain_text import plain, plain_data, plain_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nof two lines ✅ é 日本 👩‍🚀", "plain\ttext\nof two lines ✅ é 日本 👩‍🚀"),
        ("\x1b[31mred\x1b[0m \x1b[2K\x1b[1Agone", "red gone"),
        ("\x1b]0;a title\x07and \x1b]8;;http://evil\x1b\\a link\x1b]8;;\x1b\\", "and a link"),
        ("\x9b31m \x07 \x00 \x7f \r", "\\x9b31m \\x07 \\x00 \\x7f \\r"),
        ("user\u202efdp.exe \u2066x\u2069 \u200b\ufeff", "user\\u202efdp.exe \\u2066x\\u2069 \\u200b\\ufeff"),
        ("\ud800 \U000e0041", "\\ud800 \\U000e0041"),
        ("\x1b[\x1b[31m31m", "\\x1b[31m"),
    ],
)
def test_what_a_terminal_obeys_is_gone_and_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_one_line_stays_one_line() -> None:
    assert plain_line("an error\n✅ Model test successful\u2028x") == "an error ✅ Model test successful\\u2028x"


def test_every_text_of_a_message_is_plain() -> None:
    assert plain_data({"label": "\x1b[1mx", "parts": [{"done": 1, "label": "\x07"}]}) == {
        "label": "x",
        "parts": [{"done": 1, "label": "\\x07"}],
    }
