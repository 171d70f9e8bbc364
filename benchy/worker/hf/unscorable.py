"""Refuses continuations that have no log-likelihood."""

from __future__ import annotations

from benchy.errors import EvaluationFailed

TokenizedRequest = tuple[tuple[str, str] | None, list[int], list[int]]
"""As lm-eval hands it to ``_loglikelihood_tokens``: the texts (None for a part of a longer one), and their tokens."""


def refuse_unscorable(request: TokenizedRequest, max_length: int) -> None:
    """Make sure that a model can score a continuation.

    Raises:
        EvaluationFailed: it has no tokens, or more than ``max_length``; or its context has none.
    """
    texts, context, continuation = request
    where = f"{texts[1]!r:.80} behind {texts[0][-80:]!r}" if texts else "a part of a text"
    if not continuation:
        raise EvaluationFailed(
            f"cannot score {where}: no token is its own, the tokenizer joins it with the end of what is before it",
            hint='set `target_delimiter: " "` in the benchmark\'s YAML, or let the choice begin with a space; '
            "`backend: hf-stock` scores it as lm-eval does, often as 0, the best there is",
        )
    if len(continuation) > max_length:
        raise EvaluationFailed(
            f"cannot score {where}: it has {len(continuation)} tokens, and the model reads {max_length}",
            hint="raise model.max_length if the model was made for more, or leave the benchmark out",
        )
    if not context:
        raise EvaluationFailed(
            f"cannot score {where}: there is no token before it",
            hint="let the benchmark's doc_to_text give some text",
        )
