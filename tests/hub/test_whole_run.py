"""A bundled benchmark of lm-eval, from an empty cache to a leaderboard, against the loopback Hub."""

from __future__ import annotations

from pathlib import Path

from benchy.record import read_record
from tests.commands import DEMO, benchy
from tests.hub.commands import benchy_on, hub_config
from tests.hub.data_sets import arc_easy
from tests.hub.fixtures import loopback_hub
from tests.hub.models import HEADER_BYTES, tiny_llama
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def test_arc_easy_runs_from_an_empty_cache_and_again_without_a_byte(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    model = loopback_hub.add_repository("org/tiny", tiny_llama(intermediate_size=4096))
    data = loopback_hub.add_repository("allenai/ai2_arc", arc_easy(), repo_type="dataset")
    board = {"to": "hf://datasets/org/board", "samples": False}
    config = hub_config(tmp_path, evaluation={"tasks": "arc_easy"}, upload=board)
    write = {"HF_UPLOAD_TOKEN": loopback_hub.add_user("ada", role="write", orgs=("org",))}

    built = benchy_on(loopback_hub, tmp_path, "check", config, "--build", **write)
    assert built.returncode == 0, built.stderr
    assert "arc_easy: 8 documents, 0 shots, 32 requests" in built.stdout
    assert loopback_hub.bytes_served(model.files()["model.safetensors"].content) <= HEADER_BYTES

    first = benchy_on(loopback_hub, tmp_path, "run", config, **write)
    assert first.returncode == 0, first.stderr
    fetched = loopback_hub.content_bytes
    (folder,) = (tmp_path / "outputs").iterdir()
    record = read_record(folder)
    assert record.status == "published"
    assert record.facts.commit == model.head
    assert record.model is not None
    assert record.model.commit == model.head
    assert record.data_sets == {"allenai/ai2_arc": data.head}
    assert record.evaluation is not None
    assert record.evaluation.benchmarks[0].documents == 8

    published = loopback_hub.repositories["dataset", "org/board"].files()
    assert {"leaderboard.parquet", f"records/{record.run_name}/record.json"} <= published.keys()
    assert f"records/{record.run_name}/samples.parquet" not in published

    config = hub_config(tmp_path, evaluation={"tasks": "arc_easy"}, upload={"to": str(tmp_path / "leaderboard")})
    second = benchy_on(loopback_hub, tmp_path, "run", config)
    assert second.returncode == 0, second.stderr
    assert loopback_hub.content_bytes == fetched

    # and once more with the network off, from the cache alone
    loopback_hub.seen.clear()
    third = benchy_on(loopback_hub, tmp_path, "run", config, HF_HUB_OFFLINE="1")
    assert third.returncode == 0, third.stderr
    assert loopback_hub.count() == 0
    scores = {tuple(read_record(run).evaluation.benchmarks[0].metrics) for run in (tmp_path / "outputs").iterdir()}  # type: ignore[union-attr]
    assert len(scores) == 1


def test_data_sets_are_asked_for_before_anything_starts(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    model = loopback_hub.add_repository("org/tiny", tiny_llama(intermediate_size=4096))
    config = hub_config(tmp_path, evaluation={"tasks": "arc_easy"})

    missing = benchy_on(loopback_hub, tmp_path, "run", config)
    assert missing.returncode == 8
    assert "EvaluationFailed: the Hub shows no data set allenai/ai2_arc" in missing.stderr

    data = loopback_hub.add_repository("allenai/ai2_arc", arc_easy(), repo_type="dataset")
    data.gated = True
    gated = benchy_on(loopback_hub, tmp_path, "run", config)
    assert gated.returncode == 5
    assert f"accept its terms at {loopback_hub.endpoint}/datasets/allenai/ai2_arc" in gated.stderr
    assert not (tmp_path / "outputs").exists()
    weights = model.files()["model.safetensors"].content
    assert loopback_hub.bytes_served(weights) <= 2 * HEADER_BYTES  # each check reads the header


def test_code_that_the_model_writes_runs_only_when_that_was_confirmed(tmp_path: Path) -> None:
    config = hub_config(tmp_path, str(DEMO / "model"), evaluation={"tasks": "humaneval"})
    refused = benchy("check", config, cwd=tmp_path, HF_HUB_OFFLINE="1")
    assert refused.returncode == 2
    assert "ConfigError: humaneval runs code that the model writes" in refused.stderr
    assert "evaluation.confirm_run_unsafe_code: true" in refused.stderr
    short = {"max_gen_toks": 64}  # its own 1,024 tokens are more than the model holds
    confirmed = hub_config(
        tmp_path,
        str(DEMO / "model"),
        evaluation={"tasks": "humaneval", "confirm_run_unsafe_code": True, "gen_kwargs": short},
    )
    assert benchy("check", confirmed, cwd=tmp_path, HF_HUB_OFFLINE="1").returncode == 0
