"""Creates the model of the config's back end: lm-eval's object, with what Benchy asks of it besides."""

from __future__ import annotations

from typing import Any

from benchy.backends import Backend, find_backend
from benchy.config import BenchmarkConfig
from benchy.plugins import resolve
from benchy.record import ModelIdentity
from benchy.worker.backends.api import ApiModel
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.backends.transformers import TransformersModel
from benchy.worker.harness.prompt_limit import limit_prompts


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


def model_type(config: BenchmarkConfig) -> Any:
    """lm-eval's class, or Benchy's subclass of it; raises whatever its import raises."""
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model

    backend = find_backend(config.model.backend)
    if backend.model_class is not None:
        return resolve(backend.model_class)
    return get_model(backend.lm_eval_name or backend.name)


def create_model(config: BenchmarkConfig, identity: ModelIdentity) -> LoadedModel:
    """Load a new model; raises whatever lm-eval and its libraries raise."""
    evaluation = config.evaluation
    placement = {
        "batch_size": evaluation.batch_size,
        "max_batch_size": evaluation.max_batch_size,
        "device": None if config.performance.use_accelerate else _lm_eval_name(evaluation.device),
    }
    lm = model_type(config).create_from_arg_obj(lm_eval_arguments(config, identity), placement)
    model = adapt(lm, find_backend(config.model.backend))
    model.prepare()
    limit_prompts(lm, config.performance.prompt_timeout)
    return model


def adapt(lm: Any, backend: Backend) -> LoadedModel:
    """Return the adapter that a row names, or else the one for lm-eval's class: it is asked here and nowhere else."""
    from lm_eval.models.api_models import TemplateAPI
    from lm_eval.models.huggingface import HFLM

    if backend.adapter is not None:
        adapter: LoadedModel = resolve(backend.adapter)(lm, backend)
        return adapter
    if isinstance(lm, HFLM):
        return TransformersModel(lm, backend)
    return ApiModel(lm, backend) if isinstance(lm, TemplateAPI) else LoadedModel(lm, backend)


def _lm_eval_name(device: str) -> str:
    """Torch's ``cpu:0`` as ``cpu``: lm-eval would not know it, and take the first GPU."""
    return "cpu" if device == "cpu:0" else device
