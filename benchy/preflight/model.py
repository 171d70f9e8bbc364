"""What cannot work with a model's own config and tokenizer files, found without loading them."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import re
from pathlib import Path

from benchy.backends import find_backend
from benchy.checkpoint.checkpoint import Checkpoint
from benchy.checkpoint.config_file import ConfigFile
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, ModelLoadError

_NAMES_A_CONFIG = re.compile(r"""["']([\w.-]+)["']\s*[,:]\s*["']\w+Config["']""")
"""``("llama", "LlamaConfig")`` or ``"llama": "LlamaConfig"``."""


def check_model(config: BenchmarkConfig, checkpoint: Checkpoint) -> None:
    """Check a checkpoint's JSON files against what is asked for; nothing is known of one without a config.json.

    Args:
        config: what is asked for.
        checkpoint: the model's.

    Raises:
        ModelLoadError: the installed transformers does not know the architecture.
        ConfigError: remote code is needed but not allowed; a length or chat template that does not exist.
    """
    model = checkpoint.config
    if model is None:
        return
    if find_backend(config.model.backend).reads_checkpoint:
        _require_architecture(config, model)
    _require_positions(config, model)
    if config.evaluation.apply_chat_template:
        require_chat_template(config, checkpoint)


def _require_architecture(config: BenchmarkConfig, model: ConfigFile) -> None:
    known, kind = known_architectures(), model.model_type
    if known is None or kind in known or config.model.trust_remote_code:
        return
    if model.brings_code:
        raise ConfigError(
            f"{config.model.name} brings its own code, which must be allowed",
            hint="read the code in its repository, then set model.trust_remote_code: true",
        )
    if kind is None:
        raise ModelLoadError(
            f"the config.json of {config.model.name} names no model_type", hint="the model needs a new upload"
        )
    version = importlib.metadata.version("transformers")
    near = difflib.get_close_matches(kind, known, n=1)
    raise ModelLoadError(
        f'transformers {version} knows no architecture "{kind}"' + (f" (but {near[0]})" if near else ""),
        hint="install a newer transformers, or name another model.backend",
    )


@functools.cache
def known_architectures() -> frozenset[str] | None:
    """Return the model types that the installed transformers knows, read from its source.

    None if it is not installed here.

    Importing transformers takes seconds; its names are literals in two files.
    """
    spec = importlib.util.find_spec("transformers")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "models" / "auto"
    found: set[str] = set()
    for name in ("auto_mappings.py", "configuration_auto.py"):
        if (folder / name).is_file():
            found |= set(_NAMES_A_CONFIG.findall((folder / name).read_text(encoding="utf-8")))
    return frozenset(found) or None


def _require_positions(config: BenchmarkConfig, model: ConfigFile) -> None:
    asked, positions = config.model.max_length, model.shape.longest if model.shape else None
    if asked is None or positions is None or asked <= positions:
        return
    raise ConfigError(
        f"model.max_length is {asked}, but {config.model.name} was made for {positions} positions",
        hint=f"set model.max_length to {positions} or less",
    )


def require_chat_template(config: BenchmarkConfig, checkpoint: Checkpoint) -> None:
    """Require the chat template that is asked for.

    Raises:
        ConfigError: the model has none, or none of that name.
    """
    asked = config.evaluation.apply_chat_template
    names = checkpoint.chat_templates
    if not names:
        raise ConfigError(
            f"evaluation.apply_chat_template is set, but {config.model.name} has no chat template",
            hint="drop it (base models have none), or name the model's chat version",
        )
    if isinstance(asked, str) and asked not in names:
        raise ConfigError(
            f'evaluation.apply_chat_template: {config.model.name} has no chat template "{asked}"',
            hint=f"it has {', '.join(sorted(names))}",
        )
