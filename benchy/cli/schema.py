"""`benchy schema`: the JSON Schema of a config, for editors."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """Return the schema as JSON text: every key of a config with its type, default and meaning.

    configs/benchy.schema.json is this text; the first line of a config names it to YAML's language server.
    """
    return json.dumps(_without_titles(config_schema()), indent=2, ensure_ascii=False) + "\n"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config as it is written, in pydantic's form."""
    from benchy.config import BenchmarkConfig

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | BenchmarkConfig.model_json_schema(mode="validation")


def _without_titles(node: Any) -> Any:
    """Drop pydantic's titles, which repeat the keys: editors would show them above each meaning."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if isinstance(node, dict):
        return {key: _without_titles(item) for key, item in node.items() if key != "title" or not isinstance(item, str)}
    return node
