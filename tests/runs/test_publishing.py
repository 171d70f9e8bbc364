"""Publishing a finished run later or again; Weights & Biases with the real package, offline and refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchy.record import read_record
from tests.commands import REPOSITORY, assert_refused, benchy, only_record, write_config
from tests.hub.fixtures import loopback_hub
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

KEY = "0123456789abcdef0123456789abcdef01234567"


def test_a_run_without_a_leaderboard_and_refused_by_wandb_can_be_published_later(
    loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")
    wandb = {"project": "demo", "tags": ["nightly"]}
    config = write_config(tmp_path, upload=None, wandb=wandb, evaluation={"tasks": "demo_animals"})
    loopback_hub.fail("POST /graphql", status=401)
    server = {"WANDB_BASE_URL": loopback_hub.endpoint, "WANDB_API_KEY": KEY, "no_proxy": "127.0.0.1"}
    done = benchy("run", config, "--limit", "20", cwd=REPOSITORY, seconds=600, **server)
    assert done.returncode == 0, done.stderr
    record = only_record(tmp_path)
    folder = tmp_path / "outputs" / record.run_name
    assert (record.status, record.wandb) == ("evaluated", None)
    assert f"benchy upload {folder}" in done.stdout
    assert (
        f"Not at Weights & Biases, the log says why; `benchy upload {folder} --wandb demo` tries again" in done.stderr
    )
    assert loopback_hub.count("POST /graphql") > 0

    refused = benchy("upload", folder, "--wandb", "demo", cwd=REPOSITORY, seconds=600, **server)
    assert_refused(refused, 9, "UploadFailed", f"Weights & Biases at {loopback_hub.endpoint}", "error 401")
    offline = benchy("upload", folder, "--wandb", "demo", cwd=REPOSITORY, seconds=600, **server, WANDB_MODE="offline")
    assert offline.returncode == 0, offline.stderr
    (run,) = (folder / "wandb").glob("offline-run-*")
    assert f"`wandb sync {run}` sends it" in offline.stdout
    assert_shown(run, folder)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]

    (tmp_path / "file").touch()
    assert_refused(benchy("upload", folder, "--to", tmp_path / "file", cwd=REPOSITORY), 9, "UploadFailed")
    assert_refused(benchy("upload", tmp_path, "--to", tmp_path / "board", cwd=REPOSITORY), 9, "UploadFailed")
    first, second = (benchy("upload", folder, "--to", tmp_path / "board", cwd=REPOSITORY) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "it was there already" in second.stdout
    assert "it was there already" not in first.stdout
    assert (tmp_path / "board" / "leaderboard.html").is_file()


def assert_shown(run: Path, folder: Path) -> None:
    """Require that the scores are those of the record, and the answers those of lm-eval's samples file."""
    evaluation = read_record(folder).evaluation
    assert evaluation is not None
    (benchmark,) = evaluation.benchmarks
    scores = {row["Metric"]: row["Value"] for row in table(run, "evaluation/eval_results")}
    assert scores.items() >= {metric.name: str(metric.value) for metric in benchmark.metrics}.items()
    samples = [json.loads(line) for line in (folder / str(benchmark.samples_file)).read_text().splitlines()]
    shown = table(run, "demo_animals_eval_results")
    assert [row["acc"] for row in shown] == [sample["acc"] for sample in samples]
    likelihoods = [[float(answer[0][0]) for answer in sample["resps"]] for sample in samples]
    assert [row["raw_predictions"] for row in shown] == [values.index(max(values)) for values in likelihoods]


def table(run: Path, name: str) -> list[dict[str, Any]]:
    (path,) = (run / "files" / "media" / "table").glob(f"{name}_*.table.json")
    found = json.loads(path.read_bytes())
    return [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]


def test_what_wandb_lacks_is_said_before_anything_starts(tmp_path: Path) -> None:
    config = write_config(tmp_path, wandb={"project": "demo"})
    no_package = "import sys; sys.modules['wandb'] = None; from benchy.cli import main; main()"
    command = [sys.executable, "-c", no_package, "check", str(config)]
    without = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert_refused(without, 2, "ConfigError", "`pip install wandb`")

    pytest.importorskip("wandb")
    assert_refused(benchy("check", config, cwd=REPOSITORY), 5, "AccessDenied", "no key for Weights & Biases")
    assert benchy("check", config, cwd=REPOSITORY, WANDB_MODE="offline").returncode == 0
    netrc = Path(os.environ["HOME"]) / ".netrc"  # as `wandb login` leaves it
    netrc.write_text(f"machine wandb.example\n  login user\n  password {KEY}\n", encoding="utf-8")
    netrc.chmod(0o600)
    stored = benchy("check", config, cwd=REPOSITORY, WANDB_BASE_URL="https://wandb.example")
    netrc.unlink()
    assert stored.returncode == 0, stored.stderr
