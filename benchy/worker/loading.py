"""Loads the model, with the evaluation's own arguments."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext

from benchy.backends import find_backend
from benchy.errors import ModelLoadError, WorkerError
from benchy.protocol import Phase
from benchy.worker.backends.lm import create_model
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.failures import failing_as
from benchy.worker.hf.load_report import refusing_random_weights
from benchy.worker.ranks import join_ranks
from benchy.worker.replicas.pool import start_replicas
from benchy.worker.session import Session

logger = logging.getLogger(__name__)


def loaded_model(session: Session) -> LoadedModel:
    """Return the model; loaded at the first call, the same one ever after.

    Raises:
        ModelLoadError: it does not load.
        NotEnoughMemory: it does not fit.
    """
    if session.model is None:
        config, identity = session.prepared()
        session.emit(Phase(name="load"))
        started = time.monotonic()
        session.replicas = start_replicas(config, identity)
        with failing_as(WorkerError, "the processes of the worker do not meet"):
            join_ranks(config.performance.collective_timeout)
        backend = find_backend(config.model.backend)
        with (
            failing_as(ModelLoadError, f"{config.model.name} does not load", hint=backend.trouble_hint),
            refusing_random_weights() if backend.loads_weights else nullcontext(()) as warnings,
        ):
            session.model = create_model(config, identity)
        session.load_warnings = tuple(warnings)
        session.load_seconds = time.monotonic() - started
        logger.info("Loaded %s in %.1f s", config.model.name, session.load_seconds)
    return session.model
