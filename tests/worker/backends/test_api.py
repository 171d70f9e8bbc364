"""A model behind an API gets the scores that it gets in this process, and no failed request becomes a wrong answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig
from benchy.errors import AccessDenied, BenchyError, EvaluationFailed, ModelNotFound, NetworkError
from benchy.protocol import Evaluation, ModelTest, Prepare
from benchy.record import EvaluationResult, Metric
from benchy.worker.evaluation.evaluate import evaluation
from benchy.worker.loading import loaded_model
from benchy.worker.model_test import model_test
from benchy.worker.prepare import prepare
from benchy.worker.session import Session
from tests.worker.conftest import MakeConfig, prepared_session
from tests.worker.evaluation.test_evaluate import read_files
from tests.worker.openai_server import OpenAIServer, serving

SERVED = "served-model"


@pytest.fixture
def server(model_folder: Path) -> Iterator[OpenAIServer]:
    with serving(model_folder) as server:
        yield server


@pytest.fixture
def api_config(make_config: MakeConfig, server: OpenAIServer, model_folder: Path) -> Callable[..., BenchmarkConfig]:
    """A config for ``local-completions``, or ``local-chat-completions`` with ``chat``; without a device."""

    def make(tasks: str, *, chat: bool = False, **args: Any) -> BenchmarkConfig:
        if chat:
            args |= {"base_url": f"{server.url}/chat/completions"}
        else:
            args |= {"base_url": f"{server.url}/completions", "tokenizer": str(model_folder)}
        backend = "local-chat-completions" if chat else "local-completions"
        model = {"name": SERVED, "backend": backend, "dtype": None, "args": args}
        return make_config(tasks, model=model, batch_size=1, device="cuda", apply_chat_template=chat)

    return make


def evaluate(config: BenchmarkConfig, folder: Path) -> EvaluationResult:
    return evaluation(prepared_session(config), Evaluation(run_folder=str(folder)))


def metrics_of(result: EvaluationResult) -> dict[str, tuple[Metric, ...]]:
    return {benchmark.name: benchmark.metrics for benchmark in result.benchmarks}


@pytest.mark.parametrize("concurrent", [1, 4])
def test_completions_score_as_the_model_in_this_process(
    make_config: MakeConfig, api_config: Callable[..., BenchmarkConfig], tmp_path: Path, concurrent: int
) -> None:
    here = evaluate(make_config(), tmp_path / "here")
    there = evaluate(api_config("tiny", num_concurrent=concurrent), tmp_path / "there")
    assert metrics_of(there) == metrics_of(here)
    texts = [
        [sample["filtered_resps"] for sample in read_files(tmp_path / name)[1]["tiny_text"]]
        for name in ("here", "there")
    ]
    assert texts[0] == texts[1]


def test_the_model_test_says_hello_through_the_same_interface(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer
) -> None:
    for chat, asked in ((False, "Hello, world!"), (True, "[user] Hello, world!\n[assistant]")):
        result = model_test(prepared_session(api_config("tiny_text", chat=chat)), ModelTest())
        assert server.answered[-1] == asked
        assert len(result.generated) > len("Hello, world!")
        assert (result.parameters, result.size_bytes, result.device) == (None, None, None)


def test_the_servers_key_comes_with_the_request(api_config: Callable[..., BenchmarkConfig]) -> None:
    session = Session(emit=lambda _event: None)
    prepare(session, Prepare(config=api_config("tiny_text"), server_keys={"OPENAI_API_KEY": "sk-1"}))
    assert loaded_model(session).header["Authorization"] == "Bearer sk-1"


def test_chat_gets_messages(api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path) -> None:
    session = prepared_session(api_config("tiny_text", chat=True))
    assert session.identity is not None
    assert (session.identity.source, session.identity.name) == ("api", SERVED)
    evaluation(session, Evaluation(run_folder=str(tmp_path)))
    assert len(server.answered) == 12
    assert all(prompt.startswith("[user] Question:") and "[assistant]" in prompt for prompt in server.answered)


def test_a_request_that_fails_once_is_asked_again(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path
) -> None:
    whole = evaluate(api_config("tiny_text"), tmp_path / "whole")
    server.received, server.faults = 0, {3: (503, {"error": "busy"}), 7: (429, {"error": "slow down"})}
    disturbed = evaluate(api_config("tiny_text"), tmp_path / "disturbed")
    assert server.received == 12 + 2
    assert metrics_of(disturbed) == metrics_of(whole)
    assert read_files(tmp_path / "disturbed")[1] == read_files(tmp_path / "whole")[1]


@pytest.mark.parametrize("concurrent", [1, 3])
def test_a_server_that_goes_away_is_transient_and_what_it_answered_is_kept(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path, concurrent: int
) -> None:
    config = api_config("tiny_text", num_concurrent=concurrent, max_retries=1)
    server.faults = {number: (502, {}) for number in range(6, 100)}
    with pytest.raises(NetworkError, match="502") as caught:
        evaluate(config, tmp_path)
    assert caught.value.transient
    assert len(server.answered) == 5

    server.faults = {}
    result = evaluate(config, tmp_path)
    lost = 5 - result.resumed_requests  # answered, but on their way when another request failed
    assert 0 <= lost < concurrent
    assert len(set(server.answered)) == 12
    assert len(server.answered) == 12 + lost


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ((401, {"error": "who are you"}), AccessDenied),
        ((404, {"error": "no such model"}), ModelNotFound),
        ((400, {"error": "too long"}), EvaluationFailed),
        ((200, {"error": "overloaded, but politely"}), EvaluationFailed),
        ((200, {"choices": [{"index": 0}]}), EvaluationFailed),
    ],
)
def test_what_the_server_refuses_is_named_and_never_scored(
    api_config: Callable[..., BenchmarkConfig],
    server: OpenAIServer,
    tmp_path: Path,
    fault: tuple[int, Any],
    kind: type[BenchyError],
) -> None:
    server.broken = fault
    with pytest.raises(kind) as caught:
        evaluate(api_config("tiny_text", chat=True, max_retries=1), tmp_path)
    assert type(caught.value) is kind
    assert not list(tmp_path.glob("results_*"))


def test_a_server_that_is_not_there(api_config: Callable[..., BenchmarkConfig], server: OpenAIServer) -> None:
    config = api_config("tiny_text", max_retries=1)
    session = prepared_session(config)
    server.shutdown()
    server.server_close()
    with pytest.raises(NetworkError, match="did not answer"):
        model_test(session, ModelTest())


def test_an_answer_without_text_is_told(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path
) -> None:
    silent = {"choices": [{"index": 0, "message": {"role": "assistant", "content": None}}]}
    server.faults = {4: (200, silent), 9: (200, silent)}
    result = evaluate(api_config("tiny_text", chat=True), tmp_path)
    assert "tiny_text: 2 of 12 answers of the API hold no text, and count as wrong" in result.warnings
