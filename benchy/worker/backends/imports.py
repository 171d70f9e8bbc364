"""Imports the libraries of a worker, all in one place and time."""

from __future__ import annotations

from benchy.backends import loads_weights
from benchy.config import BenchmarkConfig
from benchy.errors import ModelLoadError
from benchy.worker.backends.lm import model_type
from benchy.worker.failures import failing_as, how_to_get
from benchy.worker.harness.trusted_loaders import hold_to_trust


def import_libraries(config: BenchmarkConfig) -> None:
    """Import what building tasks, loading the model and evaluating will need; they themselves would do it one by one.

    This takes seconds, in which Prefect starts, and which belong to no model's load time.

    Raises:
        ModelLoadError: the back end is not known or not installed.
    """
    import lm_eval.evaluator
    import lm_eval.loggers
    import lm_eval.tasks  # noqa: F401

    backend = config.model.backend
    with failing_as(ModelLoadError, f"{config.model.name} does not load"):
        try:
            model_type(config)
        except ModuleNotFoundError as error:
            package = error.name or backend
            raise ModelLoadError(
                f'the back end "{backend}" needs the package {package}, which is not installed',
                hint=how_to_get(package),
            ) from error
    if loads_weights(config.model.backend):
        import transformers.generation.utils  # transformers does it when the first model loads
        import transformers.modeling_utils  # noqa: F401
    hold_to_trust(config.model.runs_own_code)
