"""Proves that the model loads and speaks, and measures it."""

from __future__ import annotations

import resource
import time
from collections import Counter
from typing import Any

from benchy.errors import ModelTestFailed
from benchy.protocol import ModelTest, Phase
from benchy.record import ModelTestResult
from benchy.worker.backends.api import as_prompt
from benchy.worker.backends.transformers import (
    bytes_by_dtype,
    count_parameters,
    is_transformers_model,
    refuse_nan,
    scoring_of,
)
from benchy.worker.failures import failing_as
from benchy.worker.loading import loaded_model
from benchy.worker.session import Session

MAX_NEW_TOKENS = 32


def model_test(session: Session, request: ModelTest) -> ModelTestResult:
    """Load the model, say hello through lm-eval's own interface, measure.

    Raises:
        ModelLoadError: it does not load.
        NotEnoughMemory: it does not fit.
        ModelTestFailed: it computes NaN, or says nothing.
    """
    config, _ = session.prepared()
    lm = loaded_model(session)
    session.emit(Phase(name="generate"))
    with failing_as(ModelTestFailed, f"{config.model.name} loads but does not generate"):
        if is_transformers_model(lm):
            refuse_nan(lm, request.prompt)
            scoring_of(lm)  # if it is the slower way, the log says so now
        started = time.monotonic()
        text = _generate(lm, request.prompt)
        seconds = time.monotonic() - started
    if not text:
        raise ModelTestFailed(f"{config.model.name} said nothing after {request.prompt!r}")
    return _measured(session, lm, request.prompt, text, seconds)


def _generate(lm: Any, prompt: str) -> str:
    """One greedy answer. ``auto`` would first search for the largest batch at full length: one request needs none."""
    from lm_eval.api.instance import Instance

    arguments = (as_prompt(lm, prompt), {"until": [], "max_gen_toks": MAX_NEW_TOKENS, "do_sample": False})
    request = Instance(request_type="generate_until", doc={}, arguments=arguments, idx=0)
    configured = getattr(lm, "batch_size_per_gpu", None)
    if configured is not None:
        lm.batch_size_per_gpu = 1
    try:
        return str(lm.generate_until([request], disable_tqdm=True)[0])
    finally:
        if configured is not None:
            lm.batch_size_per_gpu = configured


def _measured(session: Session, lm: Any, prompt: str, text: str, seconds: float) -> ModelTestResult:
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
        generated=prompt + text,
        tokens=len(lm.tok_encode(text)) if on_torch else len(text.split()),
        peak_memory_bytes=peak,
        peak_memory_of=peak_of,
    )


def _peak_memory() -> tuple[int, Any]:
    """The most that was held at once: of all GPUs together, or else of this process."""
    import torch

    if torch.cuda.is_available():
        return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count())), "gpu"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "process"
