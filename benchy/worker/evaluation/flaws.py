"""Counts the documents of which a score may mislead."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from benchy.record import Flaws
from benchy.record.results import all_flaws
from benchy.worker.backends.api import is_without_text
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.backends.texts import CutText

logger = logging.getLogger(__name__)

MOST_NAMED = 10
MOST_SPECIAL_TOKENS = 8
"""A tokenizer makes at most so many tokens more of a text than it has bytes."""


def find_flaws(
    model: LoadedModel, tasks: Mapping[str, Any], leaked: Mapping[str, int], without_gold: Mapping[str, list[int]]
) -> dict[str, Flaws]:
    """Return the flaws of each benchmark, after the evaluation; on rank 0 those of all ranks.

    Args:
        model: who answered.
        tasks: lm-eval's tasks, which hold the requests and their answers.
        leaked: in how many prompts of each a few-shot example holds the question itself.
        without_gold: the documents of each whose gold answer is none of the choices.
    """
    lm = model.lm
    for name, documents in without_gold.items():
        if documents:
            logger.warning("%s: no gold answer among the choices of %s", name, named_documents(documents))
    own = {
        name: _flaws(model, task.instances or (), leaked.get(name, 0), len(without_gold.get(name, ())))
        for name, task in tasks.items()
    }
    if lm.world_size == 1:
        return own
    everywhere = lm.gather_object(own, dst=0) or [own]
    return {name: all_flaws(of_rank[name] for of_rank in everywhere) for name in own}


def named_documents(documents: Sequence[int]) -> str:
    """Give the first numbers of some documents, and how many more there are."""
    more = f" and {len(documents) - MOST_NAMED:,} more" if len(documents) > MOST_NAMED else ""
    return f"document{'s' * (len(documents) > 1)} {', '.join(map(str, documents[:MOST_NAMED]))}{more}"


def _flaws(model: LoadedModel, requests: Any, leaked: int, without_gold: int) -> Flaws:
    documents: dict[int, list[Any]] = defaultdict(list)
    for request in requests:
        documents[request.doc_id].append(request)
    return Flaws(
        empty=sum(any(map(_is_empty, asked)) for asked in documents.values()),
        cut=sum(any(map(_is_cut, asked)) for asked in documents.values()),
        truncated=sum(_is_truncated(model, asked) for asked in documents.values()),
        unscored=sum(any(_is_unscored(model.lm, one) for one in asked) for asked in documents.values()),
        leaked=leaked,
        without_gold=without_gold,
    )


def _is_empty(request: Any) -> bool:
    texts = request.resps if request.request_type == "generate_until" else ()
    return any(is_without_text(text) or not text.strip() for text in texts)


def _is_cut(request: Any) -> bool:
    return any(isinstance(answer, CutText) for answer in request.resps)


def _is_unscored(lm: Any, request: Any) -> bool:
    """Whether the tokenizer makes one token of a choice's beginning and the context's end, and none of the rest."""
    if request.request_type != "loglikelihood" or not any(answer[0] == 0 for answer in request.resps):
        return False
    context, continuation = request.args[:2]
    return bool(context) and not lm._encode_pair(context, continuation)[1]


def _is_truncated(model: LoadedModel, asked: list[Any]) -> bool:
    """Of the document's longest request; most texts have fewer bytes than the model reads tokens."""
    lm = model.lm
    if not hasattr(lm, "max_length") or not hasattr(lm, "tok_encode"):
        return False
    request = max(asked, key=lambda one: sum(len(part) for part in one.args if isinstance(part, str)))
    text, most = _read(model, request)
    return len(text.encode()) + MOST_SPECIAL_TOKENS > most and len(lm.tok_encode(text)) > most


def _read(model: LoadedModel, request: Any) -> tuple[str, int]:
    """Return what a request has the model read, and at most how many tokens of it are read."""
    lm = model.lm
    if request.request_type == "loglikelihood":
        context, continuation = request.args[:2]
        read = context if model.is_seq2seq else context + continuation
        return read, lm.max_length + (not model.reads_last_scored)  # the last token is scored, and not read
    if request.request_type == "generate_until" and isinstance(request.args[0], str) and _cuts_prompts(lm):
        return request.args[0], lm.max_length - (0 if model.is_seq2seq else model.most_generated(request.args[1]))
    return "", MOST_SPECIAL_TOKENS


def _cuts_prompts(lm: Any) -> bool:
    """Whether tokens are sent; an API that is sent texts reads them whole, or refuses them."""
    return bool(getattr(lm, "tokenized_requests", True))
