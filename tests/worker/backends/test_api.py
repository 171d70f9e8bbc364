"""A model behind an API gets the scores that it gets in this process, and no failed request becomes a wrong answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lm_eval.api.registry import get_model

from benchy.config import BenchmarkConfig
from benchy.errors import AccessDenied, BenchyError, EvaluationFailed, ModelNotFound, ModelTestFailed, NetworkError
from benchy.protocol import Evaluation, ModelTest, Prepare
from benchy.record import EvaluationResult, Flaws, Metric, ModelTestResult
from benchy.worker.backends.api import refuse_broken_answers
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
    """Return a config for ``local-completions``, or ``local-chat-completions`` with ``chat``; without a device."""

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
    assert loaded_model(session).lm.header["Authorization"] == "Bearer sk-1"


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
    assert result.benchmarks[0].flaws == Flaws(empty=2)
    assert "tiny_text: in 2 of 12 documents an answer holds no text, and counts as wrong" in result.warnings


def completion(**logprobs: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": "x", "logprobs": logprobs or None}]}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(completion(), "gave 0 log-probabilities for a prompt of 18 tokens", id="none"),
        pytest.param(completion(content=[{"token": "x", "logprob": -1.0}]), "gave 0 log-prob", id="llama.cpp"),
        pytest.param(completion(token_logprobs=[-1.0], top_logprobs=[{"x": -1.0}]), "gave 1 log-prob", id="no echo"),
        pytest.param(completion(token_logprobs=[None] * 19, top_logprobs=[None] * 19), "of some tokens", id="empty"),
        pytest.param({"choices": []}, "gave 0 answers to 1 prompts", id="no choice"),
    ],
)
def test_a_server_without_the_prompts_log_probabilities_is_refused(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path, answer: Any, said: str
) -> None:
    server.broken = 200, answer
    with pytest.raises(EvaluationFailed, match=said) as caught:
        model_test(prepared_session(api_config("tiny_choice")), ModelTest())
    assert "model.args" in caught.value.hint or "server's log" in caught.value.hint
    with pytest.raises(EvaluationFailed, match=r"log-probabilities|answers"):
        evaluate(api_config("tiny_rolling"), tmp_path)
    assert not list(tmp_path.glob("results_*"))


def test_sglangs_own_answers_are_counted_too(model_folder: Path) -> None:
    config = {"base_url": "http://127.0.0.1:9/generate", "tokenizer": str(model_folder)}
    lm = get_model("sglang-generate")(model="served", **config)
    refuse_broken_answers(lm)
    scored = [[None, 1, None], [-1.0, 2, None], [-2.0, 3, None]]
    answer = {"meta_info": {"input_token_logprobs": scored, "input_top_logprobs": [[one] for one in scored]}}
    assert lm.parse_logprobs(outputs=answer, tokens=[[1, 2, 3]], ctxlens=[1])[0][0] == -3.0
    with pytest.raises(EvaluationFailed, match="gave 3 log-probabilities for a prompt of 4 tokens"):
        lm.parse_logprobs(outputs=answer, tokens=[[1, 2, 3, 4]], ctxlens=[1])


def test_a_server_that_echoes_and_generates_nothing_scores_the_last_token_too(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path
) -> None:
    config = api_config("tiny_letter,tiny_rolling")
    whole = evaluate(config, tmp_path / "whole")
    server.echo_alone = True
    assert metrics_of(evaluate(config, tmp_path / "echo")) == metrics_of(whole)


THOUGHT = {"content": None, "reasoning_content": "Let me think"}


@pytest.mark.parametrize(
    ("message", "usage", "generated"),
    [
        pytest.param(THOUGHT, {"completion_tokens": 32}, "Hello, world!Let me think", id="vLLM"),
        pytest.param({"reasoning": "Let me think"}, {}, "Hello, world!Let me think", id="no content"),
        pytest.param({"content": ""}, {"completion_tokens": 32}, "Hello, world!", id="hidden"),
    ],
)
def test_a_model_that_thinks_first_is_evaluated(
    api_config: Callable[..., BenchmarkConfig],
    server: OpenAIServer,
    message: dict[str, Any],
    usage: dict[str, int],
    generated: str,
) -> None:
    server.broken = 200, {"choices": [{"index": 0, "message": message, "finish_reason": "length"}], "usage": usage}
    result = model_test(prepared_session(api_config("tiny_text", chat=True)), ModelTest())
    assert result.generated == generated
    assert [warning for warning in result.warnings if "max_gen_toks" in warning]


def test_a_server_that_says_nothing_at_all_is_told_so(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer
) -> None:
    server.broken = 200, {"choices": [{"index": 0, "text": ""}]}
    with pytest.raises(ModelTestFailed, match="said nothing") as caught:
        model_test(prepared_session(api_config("tiny_text")), ModelTest())
    assert "base_url" in caught.value.hint
    assert "dtype" not in caught.value.hint
    server.broken = 200, {"choices": [{"index": 0, "text": ""}], "usage": {"completion_tokens": 1}}
    result = model_test(prepared_session(api_config("tiny_text")), ModelTest())
    assert "said nothing" in result.warnings[0]


@pytest.mark.parametrize(
    ("backend", "path", "key"),
    [
        ("anthropic-chat", "messages", "ANTHROPIC_API_KEY"),
        ("anthropic-chat-completions", "messages", "ANTHROPIC_API_KEY"),
        ("openai-chat-completions", "chat/completions", "OPENAI_API_KEY"),
    ],
)
def test_every_chat_api_is_asked_with_messages(
    make_config: MakeConfig, server: OpenAIServer, tmp_path: Path, backend: str, path: str, key: str
) -> None:
    model = {"name": SERVED, "backend": backend, "dtype": None, "args": {"base_url": f"{server.url}/{path}"}}
    config = make_config("tiny_text", model=model, batch_size=1, apply_chat_template=True)
    session = Session(emit=lambda _event: None)
    prepare(session, Prepare(config=config, server_keys={key: "sk-1"}))
    result = model_test(session, ModelTest())
    assert server.answered[-1] == "[user] Hello, world!\n[assistant]"
    assert len(result.generated) > len("Hello, world!")
    assert evaluation(session, Evaluation(run_folder=str(tmp_path))).benchmarks[0].documents == 12


def test_blocks_of_one_answer_are_one_text() -> None:
    lm = get_model("anthropic-chat")(model="served")
    refuse_broken_answers(lm)
    thought = {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"text": "b"}]}
    assert lm.parse_generations(outputs=[thought, {"content": []}]) == ["ab", ""]
    with pytest.raises(EvaluationFailed, match="holds no message"):
        lm.parse_generations(outputs={"type": "error"})


def test_without_a_key_the_key_is_named(make_config: MakeConfig, server: OpenAIServer) -> None:
    args = {"base_url": f"{server.url}/chat/completions"}
    model = {"name": SERVED, "backend": "openai-chat-completions", "dtype": None, "args": args}
    session = prepared_session(make_config("tiny_text", model=model, batch_size=1, apply_chat_template=True))
    with pytest.raises(BenchyError, match="OPENAI_API_KEY") as caught:
        model_test(session, ModelTest())
    assert "dtype" not in caught.value.hint
    assert "key in the environment" in caught.value.hint


@pytest.mark.parametrize("concurrent", [1, 3])
def test_answers_that_the_server_cut_are_counted_once_more_after_a_resume(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path, concurrent: int
) -> None:
    server.faults = {
        number: (200, chat_answer(text, finish_reason))
        for number, text, finish_reason in ((2, "so much that", "length"), (5, "enough", "stop"), (7, None, "length"))
    }
    config = api_config("tiny_text", chat=True, num_concurrent=concurrent)
    assert evaluate(config, tmp_path).benchmarks[0].flaws == Flaws(cut=2, empty=1)
    again = evaluate(config, tmp_path)
    assert again.resumed_requests == 12
    assert again.benchmarks[0].flaws == Flaws(cut=2, empty=1)


def test_half_a_character_neither_ends_the_worker_nor_loses_the_scores(
    api_config: Callable[..., BenchmarkConfig], server: OpenAIServer, tmp_path: Path
) -> None:
    server.faults = {number: (200, chat_answer("a\ud83db\ude00", "stop")) for number in (1, 4)}
    session = prepared_session(api_config("tiny_text", chat=True))
    tested = model_test(session, ModelTest())
    assert tested.generated == "Hello, world!a\ufffdb\ufffd"
    assert ModelTestResult.model_validate_json(tested.model_dump_json()) == tested
    for resumed in (0, 12):
        assert evaluation(session, Evaluation(run_folder=str(tmp_path))).resumed_requests == resumed
    newest = max(tmp_path.glob("samples_tiny_text_*"))
    answers = [json.loads(line)["resps"][0][0] for line in newest.read_text(encoding="utf-8").splitlines()]
    assert answers.count("a\ufffdb\ufffd") == 1
    assert len(answers) == 12


def chat_answer(text: str | None, finish_reason: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
