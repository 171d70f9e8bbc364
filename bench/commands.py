"""The commands that are compared, and where they keep what they keep."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

DEMO = Path("configs/demo.yaml")
START_SECONDS = 120.0


def benchy(*arguments: str) -> list[str]:
    """Return the command ``benchy``."""
    return [sys.executable, "-m", "benchy", *arguments]


def benchy_run(folder: Path, **sections: Any) -> list[str]:
    """``benchy run`` of the demo, all of whose files go to ``folder``; keywords change the config's sections."""
    return benchy("run", str(write_config(folder, **sections)))


def lm_eval_run(folder: Path, *, tasks: str = "demo_accuracy,demo_addition") -> list[str]:
    """Plain ``lm_eval run`` with the same model, benchmarks and arguments as the demo's config."""
    config = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    model, evaluation = config["model"], config["evaluation"]
    return [
        *(sys.executable, "-P", "-m", "lm_eval", "run", "--model", "hf", "--log_samples"),
        *("--model_args", f"pretrained={model['name']},dtype={model['dtype']}"),
        *("--tasks", tasks, "--include_path", evaluation["include_path"]),
        *("--device", evaluation["device"], "--batch_size", str(evaluation["batch_size"])),
        *("--output_path", str(folder / "lm_eval")),
    ]


def write_config(folder: Path, **sections: Any) -> Path:
    """Return the demo's config with its outputs in ``folder``."""
    config = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    config["evaluation"]["output_path"] = str(folder / "outputs")
    config["logging"] = {"log_dir": str(folder / "logs")}
    config["upload"] = {"to": str(folder / "leaderboard")}
    for name, changes in sections.items():
        config[name] = config.get(name, {}) | changes if isinstance(changes, dict) else changes
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return this process's environment, with all libraries' caches in ``home``, and no Prefect server configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    places = {"PREFECT_HOME": "prefect", "HF_HOME": "huggingface", "XDG_CACHE_HOME": "cache"}
    return kept | {name: str(home / place) for name, place in places.items()} | more


@contextmanager
def prefect_server(env: dict[str, str], log: Path) -> Iterator[str]:
    """Provide a real server, and the URL of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=env | {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        api = f"http://127.0.0.1:{port}/api"
        _wait_for(f"{api}/health", server)
        yield api
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the Prefect server at {url} did not start")
