"""Writes docs/config.md and configs/benchy.schema.json: every key of a config, from the code that reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchy.cli.schema import config_schema, schema_text

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "config.md"
SCHEMA = ROOT / "configs" / "benchy.schema.json"
HEAD = """\
# Every key of a config

Made by `make config-docs` from the code that reads it. `benchy schema` prints the same as JSON Schema; with
`# yaml-language-server: $schema=benchy.schema.json` as its first line, an editor completes and checks a config
(`benchy init` writes both). Only `model.name` and `evaluation.tasks` are needed. A wrong key
is refused, with the nearest right one.
"""


def page() -> str:
    """Return the whole page."""
    schema = config_schema()
    sections = {key: value for key, value in schema["properties"].items() if _section_of(value, schema)}
    own = {key: value for key, value in schema["properties"].items() if key not in sections}
    lines = [HEAD]
    for key, value in sections.items():
        name = _section_of(value, schema)
        section = schema["$defs"][name]
        lines += [
            f"## {key}",
            "",
            _text(section),
            "",
            *_table(section["properties"], section.get("required", ()), schema),
        ]
    lines += ["## Beside the sections", "", *_table(own, (), schema)]
    return "\n".join(lines).rstrip() + "\n"


def _section_of(value: dict[str, Any], schema: dict[str, Any]) -> str | None:
    """Return the name of the section that a key holds; None for a plain value."""
    for part in (value, *value.get("anyOf", ())):
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if "properties" in schema["$defs"].get(name, {}):
            return name
    return None


def _table(keys: dict[str, Any], required: Any, schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | value | if not set | meaning |"
    yield "|---|---|---|---|"
    for key, value in keys.items():
        default = "needed" if key in required else _default(value.get("default"))
        yield f"| `{key}` | {_cell(_type(value, schema))} | {default} | {_cell(_text(value))} |"
    yield ""


def _default(value: object) -> str:
    return "" if value is None or value in ([], {}) else f"`{json.dumps(value)}`"


def _type(value: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return a JSON Schema's type, in a YAML writer's words."""
    if "anyOf" in value:
        kinds = dict.fromkeys(_type(part, schema) for part in value["anyOf"] if part.get("type") != "null")
        return " or ".join(kinds)
    if "$ref" in value:
        return _type(schema["$defs"][value["$ref"].rpartition("/")[2]], schema)
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(value.get("type", ""), "list" if value.get("type") == "array" else "section")


def _text(value: dict[str, Any]) -> str:
    return str(value.get("description", "")).replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
