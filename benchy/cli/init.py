"""`benchy init`: write a first config, by asking."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import click

from benchy.atomic import write_atomically
from benchy.cli.schema import schema_text
from benchy.errors import ConfigError

SCHEMA_FILE = "benchy.schema.json"
TEMPLATE = """\
# yaml-language-server: $schema={schema}
# Every key, with its meaning: `benchy schema`, or docs/config.md.

model:
  name: {model}

evaluation:
  tasks: {tasks}
  device: {device}
  batch_size: {batch_size}

upload:
  to: "leaderboard"  # a folder, or a data set on the Hub: hf://datasets/ORG/NAME
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--model", help="A repository on the Hub (org/name), or a folder.")
@click.option("--tasks", help="Benchmarks, with commas between.")
@click.option("--device", type=click.Choice(["cuda", "cpu", "mps"]), help="Where the model computes.")
def init(file: Path | None, model: str | None, tasks: str | None, device: str | None) -> None:
    """Write a first config; what is not given is asked."""
    model = model or _asked("Model (a repository on the Hub, or a folder)", option="--model")
    tasks = tasks or _asked("Benchmarks (with commas between)", option="--tasks", default="arc_easy")
    device = device or _asked("Device (cuda, cpu or mps)", option="--device", default=_likely_device())
    path = file or Path("configs") / f"{_file_name(model)}.yaml"
    _write_new(path, _config_text(model, tasks, device))
    click.echo(f"Written: {path}\nNext:    benchy check {path}\n         benchy run {path}")


def _asked(question: str, *, option: str, default: str | None = None) -> str:
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{option} is missing, and there is no terminal to ask at",
            hint="e.g. `benchy init --model ORG/NAME --tasks arc_easy --device cpu`",
        )
    return str(click.prompt(question, default=default)).strip()


def _likely_device() -> str:
    return "cuda" if shutil.which("nvidia-smi") else "mps" if sys.platform == "darwin" else "cpu"


def _file_name(model: str) -> str:
    return re.sub(r"[^\w.-]+", "-", Path(model).name).strip("-.").lower()[:100] or "model"


def _config_text(model: str, tasks: str, device: str) -> str:
    """Return the YAML of a config.

    Raises:
        ConfigError: what was given is not valid.
    """
    import yaml

    from benchy.config import parse_config

    names = [name.strip() for name in tasks.split(",") if name.strip()]
    values = {"model": model, "tasks": names, "device": device, "batch_size": 16 if device == "cpu" else "auto"}
    text = TEMPLATE.format(schema=SCHEMA_FILE, **{key: json.dumps(value) for key, value in values.items()})
    parse_config(yaml.safe_load(text), source="the answers")
    return text


def _write_new(path: Path, text: str) -> None:
    if path.exists():
        raise ConfigError(f"{path} is there already", hint="name another file: benchy init FILE")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
        write_atomically(path.parent / SCHEMA_FILE, schema_text())
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", hint="name another: benchy init FILE"
        ) from error
