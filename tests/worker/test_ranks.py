"""Two ranks of one worker on this CPU; they talk over gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from benchy.errors import ModelTestFailed, RankLost, WorkerDied
from benchy.protocol import Evaluation, ModelTest, Phase, Prepare, Progress
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessTransport
from benchy.worker.evaluation.evaluate import evaluation
from tests.commands import is_running, kill
from tests.prefect_server import wait_until
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.tiny import write_model_with_code

LAUNCH = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--module", "benchy.worker"]
"""What ``accelerate launch --multi_gpu`` runs; without GPUs it starts one process, or asks for MPI."""


@contextmanager
def two_ranks(log: list[str]) -> Iterator[tuple[Worker, ProcessTransport]]:
    command = [sys.executable, "-P", *LAUNCH]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)
    transport = ProcessTransport(process)
    with closing(Worker(transport, log.extend)) as worker:
        yield worker, transport
    assert not is_running(process.pid)


def children_of(launcher: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


def ignore(_event: Progress | Phase) -> None:
    """Nobody looks on."""


def test_two_ranks_share_the_work_and_answer_as_one(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config("tiny_choice,tiny_text")
    alone = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "alone")))
    log: list[str] = []
    with two_ranks(log) as (worker, _):
        worker.request(Prepare(config=config), ignore)
        tested = worker.request(ModelTest(), ignore)
        shared = worker.request(Evaluation(run_folder=str(tmp_path / "shared")), ignore)
    assert tested.tokens > 0
    assert [b.metrics for b in shared.benchmarks] == [b.metrics for b in alone.benchmarks]
    assert len(list((tmp_path / "shared").glob("results_*.json"))) == 1


WAITING = """
import os, time, torch
from transformers import LlamaForCausalLM

class WaitingLlama(LlamaForCausalLM):
    def forward(self, *args, **kwargs):
        if os.environ["RANK"] == "1":
            {what_it_does}
        torch.distributed.barrier()
        raise AssertionError("the other rank came")
"""


def write_waiting_model(folder: Path, *, rank_1: str) -> dict[str, object]:
    """Return a model whose rank 0 waits in a collective for rank 1, which does something else.

    As the section of a config.
    """
    code = WAITING.format(what_it_does=rank_1)
    return {"name": str(write_model_with_code(folder, "WaitingLlama", code)), "trust_remote_code": True}


def test_what_fails_on_one_rank_is_the_error_though_the_other_waits_for_it(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    model = write_waiting_model(tmp_path, rank_1='raise ValueError("its own error")')
    with two_ranks([]) as (worker, transport):
        worker.request(Prepare(config=make_config(model=model)), ignore)
        with pytest.raises(ModelTestFailed, match="ValueError: its own error") as caught:
            worker.request(ModelTest(), ignore)
        ranks = children_of(transport.pid)
        assert len(ranks) == 2
        transport.close_input()
        wait_until(lambda: not any(map(is_running, ranks)), seconds=15)
    assert "in forward" in caught.value.traceback


def test_a_rank_that_dies_ends_the_whole_worker(make_config: MakeConfig) -> None:
    with two_ranks([]) as (worker, transport):
        worker.request(Prepare(config=make_config()), ignore)
        ranks = children_of(transport.pid)
        assert len(ranks) == 2
        kill(max(ranks))
        with pytest.raises(WorkerDied):
            worker.request(ModelTest(), ignore)
        wait_until(lambda: not any(map(is_running, ranks)), seconds=15)


def test_a_rank_that_is_stuck_is_noticed(make_config: MakeConfig, tmp_path: Path) -> None:
    model = write_waiting_model(tmp_path, rank_1="time.sleep(600)")
    with two_ranks([]) as (worker, _):
        worker.request(Prepare(config=make_config(model=model, performance={"collective_timeout": 2})), ignore)
        with pytest.raises(RankLost, match="died or is stuck") as caught:
            worker.request(ModelTest(), ignore)
    assert caught.value.transient
    assert "collective_timeout" in caught.value.hint
    assert "forward" in caught.value.traceback
