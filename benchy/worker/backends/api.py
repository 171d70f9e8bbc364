"""ApiModel: a model behind a server; which of its answers are refused, and what they hold beside a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from benchy.backends import Backend
from benchy.errors import EvaluationFailed
from benchy.worker.backends.loaded_model import LoadedModel, Unseen
from benchy.worker.backends.texts import mark_by_what_the_server_says
from benchy.worker.harness.patching import replaced

REASONING = ("reasoning_content", "reasoning", "thinking")
"""Where servers put what a model thinks before it answers; lm-eval reads the answer alone."""
ECHO = (
    "log-likelihoods need a server that gives those of the whole prompt (`echo`): vLLM's does, llama.cpp's does not; "
    "if the server counts other tokens, name its tokenizer in model.args.tokenizer"
)
THINKS = (
    "all that it generated in the model test were thoughts before an answer; an answer that is cut so in the "
    "evaluation is empty, and counts as wrong: max_gen_toks in evaluation.gen_kwargs must suffice for both"
)
SERVER_LOG = "see the server's log; what was answered before is kept, and `--resume` goes on with it"


class ApiModel(LoadedModel):
    """Each request is asked of a server by itself, or a few at a time."""

    requests_at_once = None
    must_speak = True

    def __init__(self, lm: Any, backend: Backend) -> None:
        super().__init__(lm, backend)
        self.takes_messages = _takes_messages(lm)

    def prepare(self) -> None:
        """Also refuse broken answers, and mark what is cut."""
        refuse_broken_answers(self.lm)
        mark_by_what_the_server_says(self.lm)
        super().prepare()

    @contextmanager
    def overhearing(self) -> Iterator[Callable[[], Unseen]]:
        """Keep what the server answers inside."""
        answers: list[Any] = []
        parse = self.lm.parse_generations

        def kept(outputs: Any, **kwargs: Any) -> Any:
            answers.extend(_listed(outputs))
            return parse(outputs=outputs, **kwargs)

        with replaced(self.lm, parse_generations=kept):
            yield lambda: _unseen(answers[-1]) if answers else Unseen()


def _takes_messages(lm: Any) -> bool:
    """Whether it is a chat API."""
    from lm_eval.models.anthropic_llms import AnthropicChat
    from lm_eval.models.openai_completions import LocalChatCompletion

    return isinstance(lm, LocalChatCompletion | AnthropicChat)


def refuse_broken_answers(lm: Any) -> None:
    """Make an error of each answer that lm-eval would score as an empty text, or as a certainty."""
    from lm_eval.models.anthropic_llms import AnthropicChat
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
    from lm_eval.models.sglang_generate_API import SGLANGGENERATEAPI

    if isinstance(lm, AnthropicChat):
        lm.parse_generations = _whole(_texts_of_blocks, _has_blocks)
    elif isinstance(lm, LocalChatCompletion):
        lm.parse_generations = _whole(lm.parse_generations, _has_choices)
    elif isinstance(lm, SGLANGGENERATEAPI):
        lm.parse_logprobs = _counted(lm.parse_logprobs, _listed, _require_all_of_sglang)
    elif isinstance(lm, LocalCompletionsAPI):
        lm.parse_logprobs = _counted(lm.parse_logprobs, _in_order, _require_all)


def _whole(parse: Callable[..., list[str]], is_whole: Callable[[Any], bool]) -> Callable[..., list[str]]:
    def parse_whole(outputs: Any, **kwargs: Any) -> list[str]:
        for output in _listed(outputs):
            if not is_whole(output):
                raise EvaluationFailed(f"the server's answer holds no message: {_start(output)}", hint=SERVER_LOG)
        return parse(outputs, **kwargs)

    return parse_whole


def _has_choices(output: Any) -> bool:
    messages = [choice.get("message") or {} for choice in _choices(output)]
    return bool(messages) and all("content" in message or _reasoning(message) for message in messages)


def _has_blocks(output: Any) -> bool:
    return isinstance(output, dict) and isinstance(output.get("content"), list)


def _texts_of_blocks(outputs: Any, **_: Any) -> list[str]:
    """One text an answer: lm-eval's gives one for each block, and none for an answer without any."""
    return ["".join(block.get("text") or "" for block in output["content"]) for output in _listed(outputs)]


def _counted(
    parse: Callable[..., Any], answers_of: Callable[[Any], list[Any]], require: Callable[[Any, int, int], None]
) -> Callable[..., Any]:
    """Return a parser of log-probabilities that refuses answers in which some are missing.

    Lm-eval adds up what is there.
    """

    def parse_counted(outputs: Any, tokens: Sequence[Sequence[int]], ctxlens: Sequence[int], **kwargs: Any) -> Any:
        answers = [answer for output in _listed(outputs) for answer in answers_of(output)]
        if len(answers) != len(tokens):
            text = f"the server gave {len(answers)} answers to {len(tokens)} prompts: {_start(outputs)}"
            raise EvaluationFailed(text, hint=SERVER_LOG)
        for answer, prompt, context in zip(answers, tokens, ctxlens, strict=True):
            require(answer, len(prompt), context)
        return parse(outputs=outputs, tokens=tokens, ctxlens=ctxlens, **kwargs)

    return parse_counted


def _in_order(output: Any) -> list[dict[str, Any]]:
    """Return the choices of a completion, each with lists of log-probabilities."""
    choices = sorted(_choices(output), key=itemgetter("index"))
    for choice in choices:
        said = choice.get("logprobs") or {}
        lists = {name: list(said.get(name) or ()) for name in ("token_logprobs", "top_logprobs")}
        choice["logprobs"] = said | lists
    return choices


def _require_all(choice: dict[str, Any], tokens: int, context: int) -> None:
    """Refuse a choice that has not one for each token; where none was generated, lm-eval leaves out the last one."""
    given, best = choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]
    if len(given) not in {tokens, tokens + 1}:
        raise _other_count(len(given), tokens)
    if None in given[context:tokens] or len(best) < tokens or not all(best[context:tokens]):
        raise EvaluationFailed("the server gave no log-probabilities of some tokens of the prompt", hint=ECHO)
    choice["logprobs"] |= {"token_logprobs": [*given[:tokens], None], "top_logprobs": [*best[:tokens], None]}


def _require_all_of_sglang(answer: dict[str, Any], tokens: int, _context: int) -> None:
    given = (answer.get("meta_info") or {}).get("input_token_logprobs") or ()
    if len(given) != tokens:
        raise _other_count(len(given), tokens)


def _other_count(given: int, tokens: int) -> EvaluationFailed:
    return EvaluationFailed(f"the server gave {given} log-probabilities for a prompt of {tokens} tokens", hint=ECHO)


def _choices(output: Any) -> list[dict[str, Any]]:
    return (output.get("choices") if isinstance(output, dict) else None) or []


def _reasoning(message: dict[str, Any]) -> str:
    return next((str(message[key]) for key in REASONING if message.get(key)), "")


def _listed(outputs: Any) -> list[Any]:
    return outputs if isinstance(outputs, list) else [outputs]


def _start(output: Any) -> str:
    return str(output)[:200]


def _unseen(output: Any) -> Unseen:
    usage = output.get("usage") or {}
    messages = [*(choice.get("message") or {} for choice in _choices(output)), *_blocks(output)]
    return Unseen(
        reasoning="".join(map(_reasoning, messages)),
        tokens=usage.get("completion_tokens") or usage.get("output_tokens") or 0,
    )


def _blocks(output: Any) -> list[dict[str, Any]]:
    return output["content"] if _has_blocks(output) else []


def is_without_text(answer: Any) -> bool:
    """Whether this is what lm-eval takes for an answer of an API that has no content."""
    from lm_eval.models.api_models import LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER

    return bool(answer == LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER)
