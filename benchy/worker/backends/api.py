"""Models behind an API that speaks OpenAI's."""

from __future__ import annotations

from typing import Any

from benchy.errors import EvaluationFailed


def is_api_model(lm: Any) -> bool:
    """Whether each request is asked of a server by itself, or a few at a time."""
    from lm_eval.models.api_models import TemplateAPI

    return isinstance(lm, TemplateAPI)


def as_prompt(lm: Any, text: str) -> Any:
    """A text as the model takes it: a chat API takes messages only."""
    from lm_eval.models.openai_completions import LocalChatCompletion

    return lm.apply_chat_template([{"role": "user", "content": text}]) if isinstance(lm, LocalChatCompletion) else text


def refuse_broken_answers(lm: Any) -> None:
    """Make an answer without a choice an error, where lm-eval scores it as an empty text."""
    from lm_eval.models.openai_completions import LocalChatCompletion

    if not isinstance(lm, LocalChatCompletion):
        return
    parse = lm.parse_generations

    def parse_whole(outputs: Any, **kwargs: Any) -> list[str]:
        for output in outputs if isinstance(outputs, list) else [outputs]:
            if not _has_choices(output):
                raise EvaluationFailed(
                    f"the server's answer holds no message: {str(output)[:200]}",
                    hint="see the server's log; what was answered before is kept, and `--resume` goes on with it",
                )
        texts: list[str] = parse(outputs, **kwargs)
        return texts

    lm.parse_generations = parse_whole


def is_without_text(answer: Any) -> bool:
    """Whether this is what lm-eval takes for an answer of an API that has no content."""
    from lm_eval.models.api_models import LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER

    return bool(answer == LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER)


def _has_choices(output: Any) -> bool:
    choices = (output.get("choices") if isinstance(output, dict) else None) or []
    return bool(choices) and all("content" in (choice.get("message") or {}) for choice in choices)
