"""An evaluation that is killed goes on where it was, and ends with the same scores and samples."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import WorkerDied
from benchy.protocol import Evaluation, Prepare, Progress
from benchy.record import EvaluationResult, Scoring
from benchy.runtimes.client import Worker
from benchy.runtimes.process import ProcessRuntime
from benchy.worker.answers.progress import RequestCounter
from benchy.worker.answers.resumable_lm import ResumableLM
from benchy.worker.answers.store import AnswerStore
from benchy.worker.answers.timing import Clock
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.loading import loaded_model
from benchy.worker.session import Session
from tests.runtimes import A_RUN, launch
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import DIFFERS, read_files, without
from tests.worker.tiny import FORWARD_LOG, write_logged_model

TASKS = "tiny,tiny_sampled,tiny_rolling"
BATCH = 4
MOST_ROWS = 3 + 2 + 5
"""Of a packed batch, of the prefixes that it reads, and of the check that each new worker begins with."""


@pytest.fixture(scope="session")
def logged_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_logged_model(tmp_path_factory.mktemp("logged"))


@pytest.fixture
def forward_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every prompt that a logged model computes, one a line."""
    path = tmp_path / "forward.log"
    path.touch()
    monkeypatch.setenv(FORWARD_LOG, str(path))
    return path


@pytest.fixture
def config(make_config: MakeConfig, logged_model: Path) -> BenchmarkConfig:
    return make_config(TASKS, batch_size=BATCH, model={"name": str(logged_model), "trust_remote_code": True})


def count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def start(config: BenchmarkConfig) -> Worker:
    """Return a prepared worker."""
    worker = Worker(ProcessRuntime().start(launch(config, role="model"), A_RUN, say=print), lambda _lines: None)
    worker.request(Prepare(config=config), lambda _event: None)
    return worker


def evaluate_until(lines: int, log: Path, config: BenchmarkConfig, folder: Path) -> None:
    """Kill the worker once its model has computed so many prompts in all."""
    worker = start(config)
    request = Evaluation(run_folder=str(folder))
    worker.send(request)
    while count_lines(log) < lines:
        assert worker.alive
        time.sleep(0.001)
    os.kill(worker._transport.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    with pytest.raises(WorkerDied):
        worker.receive(request, lambda _event: None)
    worker.close()


@pytest.mark.parametrize(("backend", "kills"), [("hf", 5), ("hf-stock", 1)])
def test_kills_change_no_score_and_repeat_only_the_batches_in_flight(
    config: BenchmarkConfig, forward_log: Path, tmp_path: Path, backend: str, kills: int
) -> None:
    config = config.model_copy(update={"model": config.model.model_copy(update={"backend": backend})})
    undisturbed = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "undisturbed")))
    prompts = count_lines(forward_log)
    moments = sorted(random.sample(range(1, prompts - 3 * BATCH), kills))
    print(f"killed after {moments} of {prompts} prompts")  # noqa: T201 - shown if the test fails

    log = forward_log
    log.write_text("")
    for moment in moments:
        evaluate_until(moment, log, config, tmp_path / "killed")
    result = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "killed")))

    assert prompts <= count_lines(log) <= prompts + kills * (BATCH if backend == "hf-stock" else MOST_ROWS)
    results, samples = read_files(tmp_path / "killed")
    expected_results, expected_samples = read_files(tmp_path / "undisturbed")
    assert samples == expected_samples
    assert without(results, DIFFERS) == without(expected_results, DIFFERS)
    assert result.benchmarks[0].metrics == undisturbed.benchmarks[0].metrics
    assert result.scoring == undisturbed.scoring == Scoring(way="fast" if backend == "hf" else "stock")
    assert result.requests == undisturbed.requests
    assert result.resumed_requests > 0 == undisturbed.resumed_requests
    assert result.inference_seconds > result.resumed_seconds > 0 == undisturbed.resumed_seconds


def test_a_finished_evaluation_asks_the_model_nothing_again(
    config: BenchmarkConfig, forward_log: Path, tmp_path: Path
) -> None:
    session = prepared_session(config)
    first = evaluation(session, Evaluation(run_folder=str(tmp_path)))
    asked = count_lines(forward_log)
    second = evaluation(session, Evaluation(run_folder=str(tmp_path)))
    assert count_lines(forward_log) == asked
    assert first.resumed_seconds == 0 < second.resumed_seconds < second.inference_seconds
    assert second.resumed_requests == second.requests == first.requests
    assert second.benchmarks[0].metrics == first.benchmarks[0].metrics


def test_two_models_that_share_a_store_never_see_each_others_answers(
    make_config: MakeConfig, model_folder: Path, other_model_folder: Path, tmp_path: Path
) -> None:
    def samples_of(model: Path, folder: Path) -> tuple[EvaluationResult, dict[str, list[object]]]:
        result = evaluation(
            prepared_session(make_config("tiny_choice", model={"name": str(model)})), Evaluation(run_folder=str(folder))
        )
        found = read_files(folder)[1]
        for path in folder.glob("*_20*"):  # but for the store
            path.unlink()
        return result, found

    alone = {model: samples_of(model, tmp_path / model.name) for model in (model_folder, other_model_folder)}
    shared = tmp_path / "shared"
    together = {model: samples_of(model, shared) for model in (model_folder, other_model_folder)}
    again = samples_of(model_folder, shared)

    assert (shared / "answers.jsonl").exists()
    assert alone[model_folder][1] != alone[other_model_folder][1]
    assert {model: found for model, (_, found) in together.items()} == {m: found for m, (_, found) in alone.items()}
    assert again[1] == alone[model_folder][1]
    assert together[other_model_folder][0].resumed_requests == 0
    assert again[0].resumed_requests == again[0].requests


@pytest.mark.parametrize("batch_size", ["auto", "auto:3"])
def test_auto_starts_from_the_longest_request_and_is_the_same_after_a_kill(
    config: BenchmarkConfig, forward_log: Path, tmp_path: Path, batch_size: str
) -> None:
    changes = {"batch_size": batch_size, "max_batch_size": 8, "tasks": ("tiny", "tiny_sampled")}
    config = config.model_copy(update={"evaluation": config.evaluation.model_copy(update=changes)})
    undisturbed = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "undisturbed")))
    prompts = count_lines(forward_log)
    assert max(len(line.split()) for line in forward_log.read_text().splitlines()) < 400, "max_length is 512"

    evaluate_until(prompts + prompts // 2, forward_log, config, tmp_path / "killed")
    resumed = evaluation(prepared_session(config), Evaluation(run_folder=str(tmp_path / "killed")))

    assert resumed.batch_sizes == undisturbed.batch_sizes
    assert set(undisturbed.batch_sizes) == {8}
    assert 0 < resumed.resumed_requests < resumed.requests
    assert read_files(tmp_path / "killed")[1] == read_files(tmp_path / "undisturbed")[1]


class AtOnce(LM):  # type: ignore[misc]
    """Says its answers when it has all that it was asked, as vLLM does, and dies at the third call."""

    calls = 0

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("the engine is dead")
        return [(-float(request.args[1]), False) for request in requests]

    loglikelihood_rolling = generate_until = loglikelihood


def resumable(model: LoadedModel, store: AnswerStore, task: SimpleNamespace, events: list[Progress]) -> ResumableLM:
    counter = RequestCounter({"x": task}, events.append)
    return ResumableLM(model, store, counter, Clock(build_seconds=0.0))


def test_lm_evals_base_class_answers_nothing_in_the_place_of_the_model() -> None:
    """What lm-eval adds to its base class must be handed on by name: Python asks the model for what is missing only."""
    makes_models = {"create_from_arg_string", "create_from_arg_obj"}
    asked = {name for name in vars(LM) if not name.startswith("_")}
    assert asked - makes_models <= vars(ResumableLM).keys()


def test_the_answers_of_a_cut_run_of_benchy_0_1_are_found(tmp_path: Path) -> None:
    """The line is what commit a207889 wrote."""
    of, key = "44136fa355b3678a", "11cd33a28593501e57d194b339ebb799"
    (tmp_path / "answers.jsonl").write_text(f'{{"of": "{of}", "seconds": 0.5, "answers": [["{key}", [-3.5, true]]]}}\n')
    requests = [Instance("loglikelihood", {}, ("a", "7"), 0, ("x", 0, 1))]
    with closing(AnswerStore(tmp_path / "answers.jsonl", {})) as store:
        lm = resumable(LoadedModel(AtOnce(), find_backend("vllm")), store, SimpleNamespace(instances=requests), [])
        assert lm.loglikelihood(requests) == [(-3.5, True)]
        assert (lm.found, lm.found_seconds, lm.calls) == (1, 0.5, 0)


def test_a_model_that_answers_all_at_once_is_asked_in_parts(tmp_path: Path) -> None:
    lm, events = AtOnce(), list[Progress]()
    model = LoadedModel(lm, find_backend("vllm"))
    assert model.requests_at_once is not None
    count = 2 * model.requests_at_once + 100
    requests = [Instance("loglikelihood", {}, ("", str(number)), number, ("x", 0, 1)) for number in range(count)]
    task = SimpleNamespace(instances=requests)
    with closing(AnswerStore(tmp_path / "answers.jsonl", {})) as store:
        with pytest.raises(RuntimeError, match="engine is dead"):
            resumable(model, store, task, events).loglikelihood(requests)
        assert len(store) == 2 * model.requests_at_once
        answers = resumable(model, store, task, events).loglikelihood(requests)
    assert lm.calls == 4
    assert [answer for answer, _ in answers] == [-float(number) for number in range(count)]
    assert (events[-1].done, events[-1].total) == (count, count)


class Crash(BaseException):
    """Ends an evaluation where a killed process would end it."""


def evaluate_until_pass(
    number: int | None, session: Session, folder: Path, *, full_at: int | None
) -> tuple[int, EvaluationResult | None]:
    """Crash before one of the model's forward passes, and let the memory not suffice for one; returns their number."""
    passes = itertools.count(1)
    done = 0

    def count(_model: object, _arguments: object) -> None:
        nonlocal done
        done = next(passes)
        if done == number:
            raise Crash
        if done == full_at:
            raise torch.OutOfMemoryError("this GPU is full")

    result = None
    with loaded_model(session).lm.model.register_forward_pre_hook(count), suppress(Crash):
        result = evaluation(session, Evaluation(run_folder=str(folder)))
    return done, result


@pytest.mark.parametrize("full_at", [None, 3])
def test_a_plan_is_the_same_wherever_it_was_cut_short(
    make_config: MakeConfig, tmp_path: Path, full_at: int | None
) -> None:
    """Also if the memory did not suffice at first, so that batches of another plan are answered in parts."""
    session = prepared_session(make_config("tiny_choice", batch_size=2))
    assert loaded_model(session).scoring == Scoring(way="fast")
    passes, undisturbed = evaluate_until_pass(None, session, tmp_path / "undisturbed", full_at=full_at)
    assert undisturbed is not None
    assert undisturbed.batch_sizes == ((2,) if full_at is None else (2, 1))
    expected = read_files(tmp_path / "undisturbed")[1]
    for moment in random.sample(range(4, passes), 3):
        folder = tmp_path / f"cut short before pass {moment} of {passes}"
        _, nothing = evaluate_until_pass(moment, session, folder, full_at=full_at)
        rest, result = evaluate_until_pass(None, session, folder, full_at=None)
        assert nothing is None
        assert result is not None
        assert rest < passes
        assert result.batch_sizes[-1] == undisturbed.batch_sizes[-1]
        assert read_files(folder)[1] == expected, folder


def test_what_is_drawn_after_a_cut_is_what_it_would_have_been(
    make_config: MakeConfig, task_folder: Path, tmp_path: Path
) -> None:
    """Also if one benchmark's texts were all there, and none of the next one's, which has arguments of its own."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    for name, temperature in {"warm": 1.0, "hot": 2.0}.items():
        arguments = {"do_sample": True, "temperature": temperature, "until": [], "max_gen_toks": 3}
        task = {"include": str(task_folder / "tiny_sampled.yaml"), "task": name, "generation_kwargs": arguments}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task))
    session = prepared_session(make_config("warm,hot", batch_size=12, include_path=[str(task_folder), str(folder)]))
    assert loaded_model(session).scoring == Scoring(way="fast")
    passes, _ = evaluate_until_pass(None, session, tmp_path / "undisturbed", full_at=None)
    expected = read_files(tmp_path / "undisturbed")[1]
    resumed = []
    for moment in range(1, passes + 1):
        folder = tmp_path / f"cut short before pass {moment} of {passes}"
        evaluate_until_pass(moment, session, folder, full_at=None)
        _, result = evaluate_until_pass(None, session, folder, full_at=None)
        assert read_files(folder)[1] == expected, folder
        resumed.append(result and result.resumed_requests)
    assert resumed == [0, 0, 0, 12, 12, 12]
