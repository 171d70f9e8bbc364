"""Proves that the model loads and speaks, and measures it."""

from __future__ import annotations

import logging
import math
import resource
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchy.backends import SERVER_HINT, find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError, ModelTestFailed
from benchy.protocol import ModelTest, Phase
from benchy.record import ModelTestResult
from benchy.worker.backends.api import THINKS, Unseen, is_api_model, overhearing, takes_messages
from benchy.worker.backends.transformers import (
    bytes_by_dtype,
    count_parameters,
    is_transformers_model,
    refuse_broken_logits,
    scoring_of,
)
from benchy.worker.failures import failing_as, is_out_of_memory
from benchy.worker.harness.patching import replaced
from benchy.worker.loading import loaded_model
from benchy.worker.session import Session

logger = logging.getLogger(__name__)

MAX_NEW_TOKENS = 32
GENERATION = "generate_until"
CONTINUATION = " I am"
"""What is scored of a model that does not show its logits."""


@dataclass(frozen=True)
class Speech:
    """What a model said, and what is to be known of it."""

    text: str
    warnings: tuple[str, ...] = ()


def model_test(session: Session, request: ModelTest) -> ModelTestResult:
    """Load the model, say hello through lm-eval's own interface, measure.

    Raises:
        ModelLoadError: it does not load.
        NotEnoughMemory: it does not fit.
        ModelTestFailed: it computes NaN, or cannot do what the benchmarks ask for.
        EvaluationFailed: its server's answers cannot be scored.
    """
    config, _ = session.prepared()
    lm = loaded_model(session)
    session.emit(Phase(name="generate"))
    prompt, asked = _as_asked(config, lm, request.prompt), _kinds_of_requests(session)
    with failing_as(
        ModelTestFailed,
        f"{config.model.name} loads but does not generate",
        hint=find_backend(config.model.backend).trouble_hint,
    ):
        if is_transformers_model(lm):
            refuse_broken_logits(lm, prompt)
            scoring_of(lm)  # if it is the slower way, the log says so now
        elif asked - {GENERATION}:
            _require_log_likelihood(lm, request.prompt)
        started = time.monotonic()
        speech = _speech(config, lm, prompt, asked)
        seconds = time.monotonic() - started
    for warning in speech.warnings:
        logger.warning(warning)
    return _measured(session, lm, request.prompt, speech, seconds)


def _as_asked(config: BenchmarkConfig, lm: Any, text: str) -> Any:
    """A text as the evaluation will ask it: as it is, in the model's chat template, or as a message."""
    if config.evaluation.apply_chat_template or takes_messages(lm):
        return lm.apply_chat_template([{"role": "user", "content": text}])
    return text


def _kinds_of_requests(session: Session) -> set[str]:
    """Of all benchmarks; none if there are none, or if another worker builds them."""
    tasks = session.tasks.loaded["tasks"].values() if session.tasks else ()
    return {str(task.OUTPUT_TYPE) for task in tasks}


def _speech(config: BenchmarkConfig, lm: Any, prompt: Any, asked: set[str]) -> Speech:
    """What the model says after a prompt. Who is asked for log-likelihoods only need not speak.

    Raises:
        ModelTestFailed: it says nothing, and shows in no other way that it works.
    """
    only_scored = bool(asked) and GENERATION not in asked
    try:
        text, unseen = _generate(lm, prompt)
    except Exception as error:
        if not only_scored or is_api_model(lm) or isinstance(error, BenchyError) or is_out_of_memory(error):
            raise
        return Speech("", (f"it does not generate, which no benchmark asks for: {type(error).__name__}: {error}",))
    if text:
        return Speech(text)
    if unseen.reasoning or unseen.tokens > 1:
        return Speech(unseen.reasoning, (THINKS,))
    if not only_scored and not unseen.tokens:
        _require_life(config, lm, prompt)
    return Speech("", (f"it said nothing after {prompt!r} but that the text ends",))


def _require_life(config: BenchmarkConfig, lm: Any, prompt: Any) -> None:
    """Of a model that said nothing at all: its logits are numbers, or it has no other proof to give."""
    if is_transformers_model(lm):
        return
    if not find_backend(config.model.backend).loads_weights:
        raise ModelTestFailed(f"{config.model.name} said nothing after {prompt!r}", hint=SERVER_HINT)
    _require_log_likelihood(lm, prompt)


def _require_log_likelihood(lm: Any, prompt: str) -> None:
    """Score one continuation.

    Raises:
        ModelTestFailed: its log-likelihood is not finite.
    """
    (score, _), *_ = lm.loglikelihood([_request("loglikelihood", (prompt, CONTINUATION))])
    if not math.isfinite(score):
        raise ModelTestFailed(f"the log-likelihood of {CONTINUATION!r} after {prompt!r} is {score}")


def _request(kind: str, arguments: tuple[Any, ...]) -> Any:
    from lm_eval.api.instance import Instance

    return Instance(request_type=kind, doc={}, arguments=arguments, idx=0)


def _generate(lm: Any, prompt: Any) -> tuple[str, Unseen]:
    """One greedy answer. ``auto`` would first search for the largest batch at full length: one request needs none."""
    longest = min(MAX_NEW_TOKENS, max(1, getattr(lm, "max_length", MAX_NEW_TOKENS * 2) // 2))
    request = _request(GENERATION, (prompt, {"until": [], "max_gen_toks": longest, "do_sample": False}))
    one_a_batch = {"batch_size_per_gpu": 1} if hasattr(lm, "batch_size_per_gpu") else {}
    with replaced(lm, **one_a_batch), overhearing(lm) as unseen:
        return str(lm.generate_until([request], disable_tqdm=True)[0]), unseen()


def _measured(session: Session, lm: Any, prompt: str, speech: Speech, seconds: float) -> ModelTestResult:
    on_torch = is_transformers_model(lm)
    by_dtype = bytes_by_dtype(lm.model) if on_torch else Counter()
    peak, peak_of = _peak_memory()
    return ModelTestResult(
        parameters=count_parameters(lm.model) if on_torch else None,
        size_bytes=by_dtype.total() if on_torch else None,
        bytes_by_dtype=dict(by_dtype),
        dtype=by_dtype.most_common(1)[0][0] if by_dtype else None,
        device=str(lm.device) if on_torch else None,
        load_seconds=session.load_seconds or 0.0,
        generation_seconds=seconds,
        prompt=prompt,
        generated=prompt + speech.text,
        tokens=len(lm.tok_encode(speech.text)) if on_torch else len(speech.text.split()),
        peak_memory_bytes=peak,
        peak_memory_of=peak_of,
        warnings=session.load_warnings + speech.warnings,
    )


def _peak_memory() -> tuple[int, Any]:
    """The most that was held at once: of all GPUs together, or else of this process."""
    import torch

    if torch.cuda.is_available():
        return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count())), "gpu"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "process"
