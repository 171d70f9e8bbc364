"""Loads the model, with the evaluation's own arguments."""

from __future__ import annotations

import logging
import time
from typing import Any

from benchy.config import BenchmarkConfig
from benchy.errors import ModelLoadError, WorkerError
from benchy.protocol import Phase
from benchy.record import ModelIdentity, Scoring
from benchy.worker.api import refuse_broken_answers
from benchy.worker.failures import failing_as
from benchy.worker.ranks import join_ranks
from benchy.worker.replicas import start_replicas
from benchy.worker.session import Session

logger = logging.getLogger(__name__)


def loaded_model(session: Session) -> Any:
    """lm-eval's model object; loaded at the first call, the same one ever after.

    Raises:
        ModelLoadError: it does not load.
        NotEnoughMemory: it does not fit.
    """
    if session.lm is None:
        config, identity = session.prepared()
        session.emit(Phase(name="load"))
        started = time.monotonic()
        session.replicas = start_replicas(config, identity)
        with failing_as(WorkerError, "the processes of the worker do not meet"):
            join_ranks(config.performance.collective_timeout)
        with failing_as(ModelLoadError, f"{config.model.name} does not load"):
            session.lm = create_model(config, identity)
        session.load_seconds = time.monotonic() - started
        logger.info("Loaded %s in %.1f s", config.model.name, session.load_seconds)
    return session.lm


def lm_eval_arguments(config: BenchmarkConfig, identity: ModelIdentity) -> dict[str, Any]:
    """lm-eval's ``--model_args``: what the config sets, and nothing that it does not."""
    model = config.model
    said = {
        "pretrained": model.name,
        "revision": identity.commit or model.revision,
        "dtype": model.dtype,
        "max_length": model.max_length,
        "trust_remote_code": model.trust_remote_code or None,
        "parallelize": config.performance.parallelize or None,
    }
    return {key: value for key, value in said.items() if value is not None} | model.args


def is_transformers_model(lm: Any) -> bool:
    """Whether the model is a torch module in this process (and not behind an API or in vLLM)."""
    from lm_eval.models.huggingface import HFLM

    return isinstance(lm, HFLM)


def scoring_of(lm: Any) -> Scoring | None:
    """How this model computes log-likelihoods; None if another process does."""
    if not is_transformers_model(lm):
        return None
    from benchy.worker.fast.model import FastHFLM

    if not isinstance(lm, FastHFLM):
        return Scoring(way="stock")
    return Scoring(way="fast" if lm.stock_reason is None else "stock", reason=lm.stock_reason)


def model_type(config: BenchmarkConfig) -> Any:
    """lm-eval's class, or Benchy's subclass of it; raises whatever its import raises."""
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model

    if config.model.backend == "hf":
        from benchy.worker.fast.model import FastHFLM

        return FastHFLM
    return get_model(config.model.lm_eval_backend)


def create_model(config: BenchmarkConfig, identity: ModelIdentity) -> Any:
    """A new lm-eval model object; raises whatever lm-eval and its libraries raise."""
    evaluation = config.evaluation
    placement = {
        "batch_size": evaluation.batch_size,
        "max_batch_size": evaluation.max_batch_size,
        "device": None if config.performance.use_accelerate else evaluation.device,
    }
    lm = model_type(config).create_from_arg_obj(lm_eval_arguments(config, identity), placement)
    refuse_broken_answers(lm)
    return lm
