"""Tokenizes contexts and continuations in batches, with the result of lm-eval's one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lm_eval.models.utils import _add_special_kwargs, has_bos_prefix

STRINGS_AT_ONCE = 1024

Pair = tuple[str, str]
EncodedPair = tuple[Pair, list[int], list[int]]
"""The strings, the context's tokens and the continuation's."""


def encode_pairs(lm: Any, pairs: Sequence[Pair]) -> Iterator[EncodedPair]:
    """Yield what ``TemplateLM.loglikelihood`` makes of each context and continuation."""
    for first in range(0, len(pairs), STRINGS_AT_ONCE):
        yield from _encode_some(lm, pairs[first : first + STRINGS_AT_ONCE])


def _encode_some(lm: Any, pairs: Sequence[Pair]) -> Iterator[EncodedPair]:
    moved = [_move_spaces(*pair) for pair in pairs]
    whole = _encode(lm, {context + continuation for context, continuation in moved if context})
    contexts = _encode(lm, {context for context, _ in moved if context})
    alone = _encode(lm, {continuation for context, continuation in pairs if context == ""}, add_special_tokens=False)
    for pair, (context, continuation) in zip(pairs, moved, strict=True):
        if pair[0] == "":
            yield (pair, *_behind_prefix_token(lm.prefix_token_id, alone[pair[1]]))
        elif context == "":  # nothing but spaces
            yield (pair, *lm._encode_pair(*pair))
        else:
            context_tokens = contexts[context]
            yield pair, context_tokens, whole[context + continuation][len(context_tokens) :]


def _move_spaces(context: str, continuation: str) -> Pair:
    """Move the context's trailing spaces to the continuation's first word, to which they belong."""
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation


def _behind_prefix_token(prefix: int, tokens: list[int]) -> tuple[list[int], list[int]]:
    """Put the prefix token, which may be there already, in the place of an empty context."""
    return (tokens[:1], tokens[1:]) if tokens[:1] == [prefix] else ([prefix], tokens)


def _encode(lm: Any, strings: Iterable[str], *, add_special_tokens: bool | None = None) -> dict[str, list[int]]:
    """``HFLM.tok_encode`` of each string."""
    bos = lm.tokenizer.decode(lm.prefix_token_id)
    special = _add_special_kwargs(add_special_tokens, lm.add_bos_token)
    with_bos = [s for s in strings if add_special_tokens is None and has_bos_prefix(s, bos)]
    others = [s for s in strings if add_special_tokens is not None or not has_bos_prefix(s, bos)]
    return _encode_alike(lm, with_bos, special | {"add_special_tokens": False}) | _encode_alike(lm, others, special)


def _encode_alike(lm: Any, strings: list[str], special: dict[str, bool]) -> dict[str, list[int]]:
    if not strings:
        return {}
    encoded = lm.tokenizer(strings, return_attention_mask=False, return_token_type_ids=False, **special)
    return dict(zip(strings, encoded["input_ids"], strict=True))
