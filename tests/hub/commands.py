"""Runs the real command line against the loopback Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from benchy.config import ModelConfig
from benchy.errors import ErrorData
from benchy.record import ModelIdentity
from tests.commands import DEMO, benchy, reach_demo
from tests.hub.server import LoopbackHub


def hub_config(
    folder: Path,
    name: str = "org/tiny",
    *,
    evaluation: dict[str, Any] | None = None,
    upload: dict[str, Any] | None = None,
    **model: Any,
) -> Path:
    """Return a YAML file about a model on the Hub, with all output in ``folder``."""
    reach_demo(folder)
    settings = {
        "model": {"name": name, **model},
        "evaluation": {"tasks": "demo_addition", "device": "cpu", "output_path": str(folder / "outputs")}
        | {"include_path": str(DEMO / "tasks")}
        | (evaluation or {}),
        "logging": {"log_dir": str(folder / "logs")},
        **({"upload": upload} if upload else {}),
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def benchy_on(
    hub: LoopbackHub, folder: Path, *arguments: object, token: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``benchy`` in ``folder``, with the Hub's cache in ``folder/hf``."""
    return benchy(*arguments, cwd=folder, seconds=600, **hub.environment(folder / "hf", token=token) | environment)


def download_on(hub: LoopbackHub, folder: Path, name: str = "org/tiny", **how: Any) -> ModelIdentity | ErrorData:
    """Fetch a model as a worker does, in a process of its own; what it found, or its error."""
    done = start_download(hub, folder, name, **how).communicate(timeout=300)
    answer = json.loads(done[0])
    return ErrorData.model_validate(answer) if "kind" in answer else ModelIdentity.model_validate(answer)


def start_download(
    hub: LoopbackHub,
    folder: Path,
    name: str = "org/tiny",
    *,
    token: str | None = None,
    options: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    stderr: int | None = None,
    **model: Any,
) -> subprocess.Popen[str]:
    """Start to fetch a model as a worker does, in a process of its own."""
    config = ModelConfig.model_validate({"name": name, **model})
    return subprocess.Popen(
        [sys.executable, "-c", _DOWNLOAD, config.model_dump_json(), json.dumps(options or {})],
        env=os.environ | hub.environment(folder / "hf", token=token) | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


_DOWNLOAD = """
import sys
from benchy.config import DownloadConfig, ModelConfig
from benchy.errors import BenchyError
from benchy.worker.fetch.checkpoint import download_model
try:
    model, options = ModelConfig.model_validate_json(sys.argv[1]), DownloadConfig.model_validate_json(sys.argv[2])
    emit = lambda event: print(event.model_dump_json(), file=sys.stderr)
    print(download_model(model, options, emit).model_dump_json())
except BenchyError as error:
    print(error.to_data().model_dump_json())
"""
