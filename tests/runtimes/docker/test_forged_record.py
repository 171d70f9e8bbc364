"""A model's code in a real container tries to change what is published of its run."""

from __future__ import annotations

from pathlib import Path

from benchy.config import parse_config
from benchy.leaderboard.board import Board
from benchy.record import Facts, read_record
from benchy.runs.opening import open_run
from tests.commands import demo_settings
from tests.engine import Engine, host_volumes
from tests.prefect_server import wait_until
from tests.worker.tiny import write_model_with_code, write_tasks

FORGER = """
import glob, os, sys, threading, time
from transformers import LlamaForCausalLM

def forge():
    while True:
        for folder in glob.glob("OUTPUTS/*"):
            for name in ("record.json", "results_forged.json", "worker/mine"):
                try:
                    with open(os.path.join(folder, name), "w") as file:
                        file.write('{"evaluation": "forged"}')
                    print(f"forger: wrote {name}", file=sys.stderr, flush=True)
                except OSError as error:
                    print(f"forger: {name}: {error.strerror}", file=sys.stderr, flush=True)
        time.sleep(0.2)

threading.Thread(target=forge, daemon=True).start()

class Forger(LlamaForCausalLM):
    pass
"""


def test_a_model_that_replaces_the_record_changes_nothing_that_is_published(
    docker_host: Engine, worker_image: str, tmp_path: Path
) -> None:
    container = {"image": worker_image, "volumes": host_volumes(), "cache": f"cache-{tmp_path.name}"}
    code = FORGER.replace("OUTPUTS", str(tmp_path / "outputs"))
    model = write_model_with_code(tmp_path / "model", "Forger", code)
    (model / "model.safetensors").chmod(0o644)
    tasks = {"tasks": "tiny_letter", "include_path": str(write_tasks(tmp_path / "tasks")), "device": "cpu"}
    changes = {"model": {"name": str(model), "trust_remote_code": True, "backend": "hf-stock"}, "evaluation": tasks}
    config = parse_config(demo_settings(tmp_path, runtime="docker", container=container, **changes), source="test")
    with open_run(config, Facts()) as run:
        run.model_test()
        measured = run.evaluation()
        run.upload()
    said = run.log.path.read_text()
    assert "forger: wrote worker/mine" in said
    assert "forger: wrote record.json" not in said
    assert "forger: wrote results_forged.json" not in said
    assert read_record(run.folder).evaluation == measured
    board = Board.model_validate_json((tmp_path / "leaderboard" / "leaderboard.json").read_bytes())
    (row,) = board.tables[0].rows
    assert [cell.value for cell in row.cells if cell] == [measured.benchmarks[0].metrics[0].value]
    wait_until(lambda: docker_host.containers() == [], seconds=60)
    assert not (run.folder / "worker").exists()
