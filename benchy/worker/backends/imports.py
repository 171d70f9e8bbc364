"""Imports the libraries of a worker, all in one place and time."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from benchy.backends import Backend, find_backend
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

    backend = find_backend(config.model.backend)
    with failing_as(ModelLoadError, f"{config.model.name} does not load"):
        try:
            _require_package(backend)
            model_type(config)
        except (ModuleNotFoundError, PackageNotFoundError) as error:
            package = error.name or backend.name
            raise ModelLoadError(
                f'the back end "{backend.name}" needs the package {package}, which is not installed',
                hint=backend.how_to_get or how_to_get(package),
            ) from error
    if backend.loads_weights:
        import transformers.generation.utils  # transformers does it when the first model loads
        import transformers.modeling_utils  # noqa: F401
    hold_to_trust(config.model.runs_own_code)


def _require_package(backend: Backend) -> None:
    """Require the back end's package, and the version from which on it works."""
    if backend.package is None:
        return
    found, wanted = version(backend.package), backend.minimum_version
    if wanted is not None and Version(found) < Version(wanted):
        raise ModelLoadError(
            f'the back end "{backend.name}" needs {backend.package} {wanted} or newer; {found} is installed',
            hint=backend.how_to_get or how_to_get(f"{backend.package}>={wanted}"),
        )
