"""Generated texts as every model gives them: clean, and marked where they were cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from benchy.worker.harness.patching import replaced


class CutText(str):
    """A text that ended at the limit of tokens: neither by itself, nor at a stop sequence."""

    __slots__ = ()


def clean_text(text: str) -> str:
    """Return the text with U+FFFD in place of halves of characters, which JSON may hold and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return CutText(whole) if isinstance(text, CutText) else whole
    return text


def clean_texts(lm: Any) -> None:
    """Change a model's own method: what it generates from now on is clean."""
    generate = lm.generate_until
    lm.generate_until = lambda *args, **kwargs: [clean_text(text) for text in generate(*args, **kwargs)]


def mark_by_tokens(lm: Any) -> None:
    """Change a transformers model's own methods: a text that was cut is a :class:`CutText` from now on.

    A row without an end token, of which the text has no stop sequence, was cut: whatever set the limit.
    """
    from lm_eval.models import huggingface

    generate_rows, generate = lm._model_generate, lm.generate_until
    as_text: Any = huggingface.postprocess_generated_text
    ended: deque[bool] = deque()

    def rows_generated(context: Any, **arguments: Any) -> Any:
        rows = generate_rows(context=context, **arguments)
        ends = _end_tokens(lm, arguments)
        start = (
            context.shape[1] if lm.backend == "causal" else 1
        )  # an encoder-decoder's rows begin with its start token
        ended.extend(not ends.isdisjoint(row) for row in rows[:, start:].tolist())
        return rows

    def text_of(generation: str, stop: Iterable[str], think_end_token: str | None) -> str:
        text: str = as_text(generation=generation, stop=stop, think_end_token=think_end_token)
        is_whole = ended.popleft() or any(one and one in generation for one in stop)
        return text if is_whole else CutText(text)

    def texts_generated(*args: Any, **kwargs: Any) -> Any:
        ended.clear()
        with replaced(huggingface, postprocess_generated_text=text_of):
            return generate(*args, **kwargs)

    lm._model_generate, lm.generate_until = rows_generated, texts_generated


def mark_by_finish_reason(lm: Any) -> None:
    """Change a vLLM model's own methods: a text that was cut is a :class:`CutText` from now on."""
    from lm_eval.models import vllm_causallms

    ask, generate = lm._model_generate, lm.generate_until
    as_text: Any = vllm_causallms.postprocess_generated_text
    cut: deque[bool] = deque()

    def asked(*args: Any, **kwargs: Any) -> Any:
        outputs = ask(*args, **kwargs)
        cut.extend(output.outputs[0].finish_reason == "length" for output in outputs)
        return outputs

    def text_of(*args: Any, **kwargs: Any) -> str:
        text: str = as_text(*args, **kwargs)
        return CutText(text) if cut.popleft() else text

    def texts_generated(*args: Any, **kwargs: Any) -> Any:
        cut.clear()  # a log-likelihood's single token is cut too
        with replaced(vllm_causallms, postprocess_generated_text=text_of):
            return generate(*args, **kwargs)

    lm._model_generate, lm.generate_until = asked, texts_generated


def _end_tokens(lm: Any, arguments: dict[str, Any]) -> set[int]:
    ends = arguments.get("eos_token_id", lm.model.generation_config.eos_token_id)
    return set(ends) if isinstance(ends, list) else {ends}


def mark_by_what_the_server_says(lm: Any) -> None:
    """Change an API's own method: a text that was cut is a :class:`CutText` from now on."""
    from lm_eval.models.api_models import LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER

    parse = lm.parse_generations

    def parsed(outputs: Any, **kwargs: Any) -> list[str | None]:
        cut = [one for output in (outputs if isinstance(outputs, list) else [outputs]) for one in _cut(output)]
        texts = parse(outputs, **kwargs)
        if len(cut) != len(texts):
            return list(texts)
        nothing = LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER
        return [
            CutText(nothing if text is None else text) if is_cut else text
            for text, is_cut in zip(texts, cut, strict=True)
        ]

    lm.parse_generations = parsed


def _cut(output: dict[str, Any]) -> list[bool]:
    """Whether each of an answer's texts was cut, as OpenAI's API says it, or Anthropic's."""
    if "choices" in output:
        choices = sorted(output["choices"], key=lambda choice: choice["index"])
        return [choice.get("finish_reason") == "length" for choice in choices]
    return [output.get("stop_reason") == "max_tokens"]
