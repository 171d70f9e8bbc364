"""What hypothesis draws: values that hurt, settings with some of them in place, and texts that are broken in places."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
)
"""A billion of them: references to references."""
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [*{chr(97 + n)}, *{chr(97 + n)}]}}\n" for n in range(24)
)

numbers: st.SearchStrategy[Any] = st.sampled_from(
    [
        0,
        -1,
        1,
        99,
        2**31,
        2**32,
        2**63,
        10**9,
        10**30,
        0.5,
        -0.0,
        1e308,
        float("inf"),
        float("-inf"),
        float("nan"),
        True,
    ]
)
texts: st.SearchStrategy[Any] = st.sampled_from(
    [
        "", " ", "x", "*", "**", "[", "..", ".", "/", "~", "~nobody/x", "/proc", "/dev/zero", "../../x", "a/b/c/d",
        "-x", "${HOME}", "{{ 7 * 7 }}", "\0", "\n", "\u2028", "\u202e", "\ud800", "%s%n", "a&b%20",
        "auto:1e400", "cuda:-1",
        "hf://", "hf://datasets/a/b/c", "1" * 5000, "x" * 100_000, "é" * 300, "null", "nan", "=1+1",
        "{{ ''.__class__.__mro__ }}",
    ]
)  # fmt: skip
scalars = numbers | texts | st.none() | st.booleans() | st.text(max_size=20) | st.integers() | st.floats()
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
"""Whatever JSON can hold, and some that it cannot."""


def fragments(canary: Path) -> st.SearchStrategy[str]:
    """Pieces of YAML that hurt readers; those that could run code would make a file."""
    command = f"touch {canary}"
    return st.sampled_from(
        [
            "{[1, 2]: 3}", "? {a: 1}\n: 2\n", "&x [*x]", "&x {a: *x}", "*y", "<<: *x\n", "<<: 5\n", "[" * 400,
            "{a: " * 60, "- " * 300, LAUGHS, MERGES, "".join(f"k{n}: 1\n" for n in range(3000)), "\t", "\0", "---\n",
            "...\n", "%YAML 9.9\n", "!!int x", "!!float x", "!!bool x", "!!timestamp x", "!!binary é",
            "!!set [a]", "!!omap [a]", "!!null x",
            f"!!python/object/apply:os.system ['{command}']", f"!!python/object/new:os.system ['{command}']",
            "!!python/name:os.system", "!!python/tuple [1]", "!function os.system", "2026-13-45", "0x" + "f" * 6000,
            "1:" * 200 + "1", '"\\UFFFFFFFF"', '"\\ud800"', "é", "\u2028", "|\n", ">\n",
            "'", '"', "#", ": ", ",", "}", "]", "!", "@",
        ]
    )  # fmt: skip


def changed(base: dict[str, Any], new: st.SearchStrategy[Any] = values) -> st.SearchStrategy[dict[str, Any]]:
    """Return the settings with one to three of them replaced, dropped, renamed or added, at any depth."""
    places = list(_places(base))
    change = st.tuples(
        st.sampled_from(places), st.sampled_from(["replace", "drop", "rename", "add"]), new, st.text(max_size=8)
    )
    return st.lists(change, min_size=1, max_size=3).map(lambda changes: _apply(base, changes))


def broken(text: str, pieces: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return the text with one to three pieces put in, or put in the place of a part."""
    edit = st.tuples(st.integers(0, len(text)), st.integers(0, 12), pieces)
    return st.lists(edit, min_size=1, max_size=3).map(lambda edits: _edit(text, edits))


def to_yaml(settings: Any) -> str:
    """As a file holds it."""
    return yaml.safe_dump(settings, allow_unicode=True)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _apply(base: dict[str, Any], changes: list[tuple[Any, str, Any, str]]) -> dict[str, Any]:
    made = copy.deepcopy(base)
    for path, how, value, name in changes:
        parent = _parent(made, path)
        if parent is None:
            continue
        if how == "replace":
            parent[path[-1]] = value
        elif how == "drop":
            del parent[path[-1]]
        elif isinstance(parent, list):
            parent.append(value)
        else:
            parent[name] = parent.pop(path[-1]) if how == "rename" else value
    return made


def _parent(made: Any, path: tuple[Any, ...]) -> Any:
    """Return what holds the last part of a path; None if an earlier change took it away."""
    for key in path[:-1]:
        if not key_is_in(made, key):
            return None
        made = made[key]
    there = key_is_in(made, path[-1])
    return made if there else None


def key_is_in(holder: Any, key: Any) -> bool:
    """Whether a list or mapping has that place."""
    if isinstance(holder, dict):
        return key in holder
    return isinstance(holder, list) and isinstance(key, int) and key < len(holder)


def _edit(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, length, piece in edits:
        text = f"{text[:start]}{piece}{text[start + length :]}"
    return text
