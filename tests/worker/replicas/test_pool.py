"""Replicas share the requests and change nothing: not the scores, not when one dies, not after a crash."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError
from benchy.protocol import Evaluation, ModelTest, Prepare
from benchy.record import EvaluationResult
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.loading import loaded_model
from benchy.worker.replicas.chunks import scored_chunks
from benchy.worker.replicas.pool import Replicas
from tests.runtimes import A_RUN, launch
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import DIFFERS, read_files, without
from tests.worker.tiny import FORWARD_LOG, write_logged_model, write_model_with_code

TASKS = "tiny,tiny_sampled,tiny_rolling"


def evaluate(config: BenchmarkConfig, folder: Path) -> EvaluationResult:
    """With replicas that have loaded the model before the evaluation begins."""
    session = prepared_session(config)
    loaded_model(session)
    with closing(session.replicas) if session.replicas else nullcontext():
        for other in session.replicas._others if session.replicas else ():
            assert other._connection.poll(120)
        return evaluation(session, Evaluation(run_folder=str(folder)))


def test_two_replicas_give_identical_results_and_both_work(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"name": str(write_logged_model(tmp_path / "model")), "trust_remote_code": True}
    prompts: dict[int, list[list[str]]] = {}

    class Patient(Replicas):
        """On a loaded machine one could take all chunks before the other one wakes up."""

        def answer(self, chunks, own):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            def own_when_the_other_works(chunk):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
                while not (tmp_path / f"forward 2 {self._others[0]._process.pid}.log").exists():
                    time.sleep(0.01)
                return own(chunk)

            return super().answer(chunks, own_when_the_other_works)

    monkeypatch.setattr("benchy.worker.replicas.pool.Replicas", Patient)
    for replicas in (1, 2):
        monkeypatch.setenv(FORWARD_LOG, str(tmp_path / f"forward {replicas} {{pid}}.log"))
        evaluate(make_config(TASKS, model=model, performance={"replicas": replicas}), tmp_path / str(replicas))
        prompts[replicas] = [log.read_text().splitlines() for log in tmp_path.glob(f"forward {replicas} *.log")]

    assert [len(prompts[replicas]) for replicas in (1, 2)] == [1, 2], "the processes that computed"
    both = Counter([*prompts[2][0], *prompts[2][1]])
    assert Counter(prompts[1][0]).keys() == both.keys(), "the same batches"
    assert both.total() < len(prompts[1][0]) * 1.3, "each computed once, but for prefixes that they share"
    one, two = read_files(tmp_path / "1"), read_files(tmp_path / "2")
    assert one[1] == two[1]
    assert without(one[0], DIFFERS) == without(two[0], DIFFERS)


_COUNTED = """
import os, torch
from transformers import LlamaForCausalLM

class CountedLlama(LlamaForCausalLM):
    def eval(self):  # once its weights are loaded
        with open(os.environ["BENCHY_TESTS_THREADS"].format(pid=os.getpid()), "a") as file:
            file.write(f"{torch.get_num_threads()}\\n")
        return super().eval()
"""


def test_replicas_on_a_cpu_share_its_cores_and_leave_nothing_behind(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_model_with_code(tmp_path / "model", "CountedLlama", _COUNTED)
    config = make_config(model={"name": str(folder), "trust_remote_code": True}, performance={"replicas": 2}, limit=1)
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("BENCHY_TESTS_THREADS", str(tmp_path / "threads of {pid}"))
    log: list[str] = []
    with closing(Worker(ProcessRuntime().start(launch(config, role="model"), A_RUN, say=print), log.extend)) as worker:
        worker.request(Prepare(config=config), print)
        worker.request(ModelTest(), print)
        while len(said := [path.read_text() for path in tmp_path.glob("threads of *")]) < 2 or not all(said):
            time.sleep(0.05)
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert {line for text in said for line in text.splitlines()} == {str(share)}
    assert not [line for line in log if "resource_tracker" in line], "the replica was killed"


def test_a_replica_that_dies_leaves_its_chunk_to_the_others(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed when the first answer has come, with a chunk in hand."""
    stock = {"backend": "hf-stock"}
    evaluate(make_config(model=stock, batch_size=1), tmp_path / "alone")
    killed: list[int] = []

    class Killing(Replicas):
        def answer(self, chunks, own):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            for answered in super().answer(chunks, own):
                if not killed:
                    killed.append(self._others[0]._process.pid or 0)
                    os.kill(killed[0], signal.SIGKILL)
                yield answered

    monkeypatch.setattr("benchy.worker.replicas.pool.Replicas", Killing)
    evaluate(make_config(model=stock, performance={"replicas": 2}, batch_size=1), tmp_path / "killed")
    assert killed
    assert "replica 2 is gone" in caplog.text
    assert read_files(tmp_path / "killed")[1] == read_files(tmp_path / "alone")[1]


def test_chunks_are_the_batches_of_lm_eval(make_config: MakeConfig) -> None:
    lm = loaded_model(prepared_session(make_config("tiny_letter"))).lm
    # two contexts with three continuations of one token each, which are one row, and one of two tokens
    requests = [(None, context, [token]) for context in ([5, 6], [5, 6, 7, 8]) for token in (9, 10, 11)]
    requests.append((None, [5, 6], [7, 8]))
    assert scored_chunks(lm, requests, 1) == [[3, 4, 5], [6], [0, 1, 2]]
    assert scored_chunks(lm, requests, 2) == [[3, 4, 5, 6], [0, 1, 2]]


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"performance": {"replicas": 2, "use_accelerate": True}}, "two ways"),
        ({"performance": {"replicas": 2, "num_gpus": 4}}, "each replica needs one"),
        ({"performance": {"replicas": 3}, "gpus": [0, 1]}, "each replica needs one"),
        ({"performance": {"parallelize": True, "replicas": 2}}, "two ways"),
        ({"performance": {"parallelize": True}, "model": {"args": {"tp_plan": "auto"}}}, "two ways"),
        ({"performance": {"parallelize": True}, "model": {"backend": "vllm"}}, "tensor_parallel_size"),
        ({"performance": {"replicas": 2}, "model": {"backend": "local-completions"}}, "num_concurrent"),
    ],
)
def test_contradictions(make_config: MakeConfig, sections: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config(device="cuda", **sections)
