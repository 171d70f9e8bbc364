"""Shows comparisons of runs: for a terminal, and as JSON, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchy.plain_text import plain_line
from benchy.results.comparison import Compared, Comparison

WIDTH = 80
LONGEST_NAME = 14
"""Longer names are cut in the table, and whole below it."""
COLUMNS = (7, 8, 8, 8, 17, 6)
"""Widths: documents, both scores, their difference, its interval, p."""
IDS_SHOWN = 5
VERSION = 1
"""Of the JSON's form."""


def as_text(compared: Compared) -> str:
    """Return the table, 80 columns wide, and below it what each verdict rests on."""
    lines = [f"A: {plain_line(compared.first)}", f"B: {plain_line(compared.second)}", ""]
    rows = [*compared.groups, *compared.comparisons]
    if rows:
        lines += [_line("benchmark", "n", "A", "B", "B - A", "95 % interval", "p", "verdict")]
        lines += [_row(one) for one in rows] + [""]
    for one in rows:
        lines += _wrapped(f"{plain_line(one.name)}: {'; '.join(_details(one))}")
    for name, reasons in compared.left_out.items():
        lines += _wrapped(f"{plain_line(name)}: not compared: {plain_line('; '.join(reasons))}")
    return "\n".join(lines)


def _line(name: str, *cells: str) -> str:
    """Put the cells of a row under one another; the last one, the verdict, as it is."""
    shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    columns = "".join(f"{cell:>{width}}" for cell, width in zip(cells, COLUMNS, strict=False))
    return f"{shown:<{LONGEST_NAME}}{columns} {cells[-1]}"


def _row(one: Comparison) -> str:
    return _line(
        plain_line(one.name),
        f"{one.documents:,}",
        _number(one.first),
        _number(one.second),
        _number(one.difference.mean, sign=True),
        _interval(one),
        _p(one.p_adjusted),
        one.verdict,
    )


def _number(value: float, *, sign: bool = False, most: int = 4) -> str:
    digits = most if abs(value) < 100 else 1
    return f"{value:{'+' if sign else ''}.{digits}f}" if math.isfinite(value) else "∞"


def _interval(one: Comparison) -> str:
    low, high = one.difference.interval()
    return f"[{_number(low, sign=True, most=3)}, {_number(high, sign=True, most=3)}]"


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.4f}".removeprefix("0") if value < 1 else "1"


def _details(one: Comparison) -> Iterator[str]:
    arrow = "" if one.more_is_better else " (less is better)"
    yield f"{one.metric}{arrow}, {one.test}"
    if one.clusters is not None:
        yield f"about {one.clusters:,} passages"
    if one.bootstrap is not None:
        yield f"bootstrap [{_number(one.bootstrap[0], sign=True)}, {_number(one.bootstrap[1], sign=True)}]"
    if not one.won and not one.lost:
        yield "no document differs"
    else:
        yield f"B gains {len(one.won):,}{_ids(one.won)} and loses {len(one.lost):,}{_ids(one.lost)}"
    if one.verdict == "cannot tell" and one.smallest:
        yield f"cannot tell: so many questions show a difference of {_number(one.smallest)} or more"
        if one.more_needed:
            yield f"{one.more_needed:,} more would show this one"
    yield from one.notes


def _ids(ids: Sequence[int]) -> str:
    more = ", ..." if len(ids) > IDS_SHOWN else ""
    return f" (documents {', '.join(map(str, ids[:IDS_SHOWN]))}{more})" if ids else ""


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def as_data(compared: Sequence[Compared]) -> dict[str, Any]:
    """Return all that is known as plain data: the form of ``--format json``."""
    return {"version": VERSION, "comparisons": [_compared_data(one) for one in compared]}


def _compared_data(compared: Compared) -> dict[str, Any]:
    return {
        "first": compared.first,
        "second": compared.second,
        "benchmarks": [_data(one) for one in compared.comparisons],
        "groups": [_data(one) for one in compared.groups],
        "not_compared": {name: list(reasons) for name, reasons in compared.left_out.items()},
    }


def _data(one: Comparison) -> dict[str, Any]:
    low, high = one.difference.interval()
    return _finite(
        {
            "benchmark": one.name,
            "metric": one.metric,
            "more_is_better": one.more_is_better,
            "documents": one.documents,
            "clusters": one.clusters,
            "first": one.first,
            "second": one.second,
            "difference": one.difference.mean,
            "stderr": one.difference.stderr,
            "low": low,
            "high": high,
            "bootstrap": one.bootstrap,
            "test": one.test,
            "p_value": one.p_value,
            "p_adjusted": one.p_adjusted,
            "p_same": one.p_same,
            "verdict": one.verdict,
            "won": list(one.won),
            "lost": list(one.lost),
            "smallest_difference": one.smallest,
            "more_needed": one.more_needed,
            "notes": list(one.notes),
        }
    )


def _finite(data: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in data.items()
    }


def _rows(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """One for each benchmark of each pair, for tables."""
    return [
        {
            "A": plain_line(pair.first),
            "B": plain_line(pair.second),
            "benchmark": plain_line(one.name),
            "metric": plain_line(one.metric),
            "n": one.documents,
            "score of A": _number(one.first),
            "score of B": _number(one.second),
            "B - A": _number(one.difference.mean, sign=True),
            "95 % interval": _interval(one),
            "p": _p(one.p_adjusted),
            "verdict": one.verdict,
        }
        for pair in compared
        for one in (*pair.groups, *pair.comparisons)
    ]


def _as_json(compared: Sequence[Compared]) -> str:
    return json.dumps(as_data(compared), indent=2, allow_nan=False)


def _as_csv(compared: Sequence[Compared]) -> str:
    rows = [
        {"first": pair.first, "second": pair.second, **_data(one)}
        for pair in compared
        for one in (*pair.groups, *pair.comparisons)
    ]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def _cell(value: Any) -> Any:
    """Return a list as its parts; a text that a spreadsheet would take for a formula as a text."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def _as_markdown(compared: Sequence[Compared]) -> str:
    from tabulate import tabulate

    rows = [{key: _escaped(value) for key, value in row.items()} for row in _rows(compared)]
    return str(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


def _escaped(value: Any) -> str:
    """Without what Markdown or HTML would take for markup."""
    text = str(value).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{sign}" if sign in "|`*_[]" else sign for sign in text)


def _as_latex(compared: Sequence[Compared]) -> str:
    from tabulate import tabulate

    return str(tabulate(_rows(compared), headers="keys", tablefmt="latex", disable_numparse=True))


def _as_texts(compared: Sequence[Compared]) -> str:
    return "\n\n".join(map(as_text, compared))


FORMATS: dict[str, Callable[[Sequence[Compared]], str]] = {
    "text": _as_texts,
    "json": _as_json,
    "csv": _as_csv,
    "markdown": _as_markdown,
    "latex": _as_latex,
}
"""By the name that ``--format`` takes."""
