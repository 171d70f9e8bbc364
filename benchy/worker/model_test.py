"""Proves that the model loads and speaks, and measures it."""

from __future__ import annotations

import logging
import os
import resource
import time
from dataclasses import dataclass
from typing import Any

from benchy.backends import SERVER_HINT, find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import BenchyError, ModelTestFailed
from benchy.protocol import ModelTest, Phase
from benchy.record import ModelTestResult
from benchy.worker.backends.api import THINKS
from benchy.worker.backends.loaded_model import LoadedModel, Unseen
from benchy.worker.failures import failing_as, is_out_of_memory
from benchy.worker.harness.patching import replaced
from benchy.worker.loading import loaded_model
from benchy.worker.machine.descendants import peak_of_descendants
from benchy.worker.session import Session

logger = logging.getLogger(__name__)

MAX_NEW_TOKENS = 32
GENERATION = "generate_until"


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
    model = loaded_model(session)
    session.emit(Phase(name="generate"))
    prompt = model.prompt(request.prompt, chat=bool(config.evaluation.apply_chat_template))
    asked = _kinds_of_requests(session)
    with failing_as(
        ModelTestFailed,
        f"{config.model.name} loads but does not generate",
        hint=find_backend(config.model.backend).trouble_hint,
    ):
        model.refuse_broken(request.prompt, prompt, scored=bool(asked - {GENERATION}))
        started = time.monotonic()
        speech = _speech(config, model, prompt, asked)
        seconds = time.monotonic() - started
    for warning in speech.warnings:
        logger.warning(warning)
    return _measured(session, model, request.prompt, speech, seconds)


def _kinds_of_requests(session: Session) -> set[str]:
    """Of all benchmarks; none if there are none, or if another worker builds them."""
    tasks = session.tasks.loaded["tasks"].values() if session.tasks else ()
    return {str(task.OUTPUT_TYPE) for task in tasks}


def _speech(config: BenchmarkConfig, model: LoadedModel, prompt: Any, asked: set[str]) -> Speech:
    """Return what the model says after a prompt. Who is asked for log-likelihoods only need not speak.

    Raises:
        ModelTestFailed: it says nothing, and shows in no other way that it works.
    """
    only_scored = bool(asked) and GENERATION not in asked
    try:
        text, unseen = _generate(model, prompt)
    except Exception as error:
        if not only_scored or model.must_speak or isinstance(error, BenchyError) or is_out_of_memory(error):
            raise
        return Speech("", (f"it does not generate, which no benchmark asks for: {type(error).__name__}: {error}",))
    if text:
        return Speech(text)
    if unseen.reasoning or unseen.tokens > 1:
        return Speech(unseen.reasoning, (THINKS,))
    if not only_scored and not unseen.tokens and not model.proves_life(prompt):
        raise ModelTestFailed(f"{config.model.name} said nothing after {prompt!r}", hint=SERVER_HINT)
    return Speech("", (f"it said nothing after {prompt!r} but that the text ends",))


def _generate(model: LoadedModel, prompt: Any) -> tuple[str, Unseen]:
    """One greedy answer. ``auto`` would first search for the largest batch at full length: one request needs none."""
    from lm_eval.api.instance import Instance

    lm = model.lm
    longest = min(MAX_NEW_TOKENS, max(1, getattr(lm, "max_length", MAX_NEW_TOKENS * 2) // 2))
    arguments: tuple[Any, dict[str, Any]] = (prompt, {"until": [], "max_gen_toks": longest, "do_sample": False})
    request = Instance(request_type=GENERATION, doc={}, arguments=arguments, idx=0)
    one_a_batch = {"batch_size_per_gpu": 1} if hasattr(lm, "batch_size_per_gpu") else {}
    with replaced(lm, **one_a_batch), model.overhearing() as unseen:
        return str(lm.generate_until([request], disable_tqdm=True)[0]), unseen()


def _measured(session: Session, model: LoadedModel, prompt: str, speech: Speech, seconds: float) -> ModelTestResult:
    measured = model.measured()
    peak, peak_of = _peak_memory()
    return ModelTestResult(
        parameters=measured.parameters,
        size_bytes=measured.size_bytes,
        bytes_by_dtype=dict(measured.bytes_by_dtype),
        dtype=measured.dtype,
        device=measured.device,
        load_seconds=session.load_seconds or 0.0,
        generation_seconds=seconds,
        prompt=prompt,
        generated=prompt + speech.text,
        tokens=model.count_tokens(speech.text),
        peak_memory_bytes=peak,
        peak_memory_of=peak_of,
        warnings=session.load_warnings + speech.warnings,
    )


def _peak_memory() -> tuple[int, Any]:
    """Return the most that was held at once.

    Of all GPUs together, or else of this process and those that it started.
    """
    import torch

    if torch.cuda.is_available():
        on_gpus = sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))
        if on_gpus:  # else the model is in another process, as vLLM's
            return on_gpus, "gpu"
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return own + peak_of_descendants(os.getpid()), "process"
