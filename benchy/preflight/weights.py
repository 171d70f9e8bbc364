"""Whether a model's weights are whole: transformers fills what is missing with random numbers."""

from __future__ import annotations

from collections.abc import Collection

from benchy.checkpoint.checkpoint import Checkpoint
from benchy.checkpoint.config_file import ConfigFile
from benchy.checkpoint.files import name_some
from benchy.checkpoint.layouts import missing_modules
from benchy.config import ModelConfig
from benchy.errors import ModelLoadError


def check_weights(model: ModelConfig, checkpoint: Checkpoint) -> None:
    """Check the names of a model's tensors against its architecture, where that is known here.

    Args:
        model: what is asked for.
        checkpoint: what the model's files say; nothing is known of one without a config.json, or without headers.

    Raises:
        ModelLoadError: some are missing.
    """
    config, tensors = checkpoint.config, checkpoint.tensors
    if config is None or not checkpoint.have_headers:
        return
    brings_code = model.trust_remote_code and config.brings_code
    missing = [] if brings_code or "key_mapping" in model.args else missing_modules(config, tensors)
    if missing:
        how_many = "" if len(missing) == 1 else f"{len(missing):,} modules, "
        raise ModelLoadError(
            f"the weights of {model.name} lack {how_many}{name_some(missing)}, which its config.json asks for and "
            "transformers would fill with random numbers",
            hint=_remedy(config, tensors),
        )


def _remedy(config: ConfigFile, tensors: Collection[str]) -> str:
    prefix = min(tensors, default="").partition(".")[0] + "."
    bare = [name.removeprefix(prefix) for name in tensors if name.startswith(prefix)]
    if len(bare) == len(tensors) and not missing_modules(config, bare):
        return f'the names of its tensors begin with "{prefix}": save the model without that'
    return "save the model again, whole, or correct its config.json"
