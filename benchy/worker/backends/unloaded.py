"""Creates what stands in for a model while prompts are built: its tokenizer, where there is one, and no weights."""

from __future__ import annotations

import logging
from typing import Any

from benchy.backends import find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import ModelLoadError
from benchy.record import ModelIdentity
from benchy.worker.backends.lm import create_model, lm_eval_arguments
from benchy.worker.backends.loaded_model import LoadedModel
from benchy.worker.backends.tokenized import TokenizedModel
from benchy.worker.failures import failing_as
from benchy.worker.harness.prompt_limit import limit_prompts

logger = logging.getLogger(__name__)


def create_unloaded(config: BenchmarkConfig, identity: ModelIdentity) -> LoadedModel:
    """Return the config's model without weights; a `TokenizedModel` where its tokenizer can be loaded.

    Raises:
        ModelLoadError: the tokenizer does not load, and the back end loads it in the same way.
    """
    backend, arguments = find_backend(config.model.backend), lm_eval_arguments(config, identity)
    if not backend.loads_weights:
        with failing_as(ModelLoadError, f"{config.model.name} cannot be used", hint=backend.trouble_hint):
            return create_model(config, identity)
    if "gguf_file" in arguments and "tokenizer" not in arguments:
        return LoadedModel(_without_tokenizer(), backend)  # it is in the file with the weights
    try:
        with failing_as(ModelLoadError, f"the tokenizer of {config.model.name} does not load"):
            from benchy.worker.hf.unloaded import UnloadedHFLM

            lm = UnloadedHFLM(**arguments)
    except ModelLoadError as error:
        if backend.reads_checkpoint:
            raise
        logger.info("Prompts are shown without the model's template: %s", error.message)
        return LoadedModel(_without_tokenizer(), backend)
    limit_prompts(lm, config.performance.prompt_timeout)
    return TokenizedModel(lm, backend)


def _without_tokenizer() -> Any:
    """Return an object that knows no tokenizer: lm-eval's own dummy."""
    from lm_eval.models.dummy import DummyLM

    return DummyLM()
