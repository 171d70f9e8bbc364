"""Adapters (LoRA and its kin): weights that mean something only upon those of another model, their base."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchy.backends import find_backend
from benchy.checkpoint.config_file import AdapterFile
from benchy.config import ModelConfig
from benchy.errors import ConfigError

ADAPTER_FILE = "adapter_config.json"
_TOKENIZER_FILES = {"tokenizer_config.json", "tokenizer.json", "tokenizer.model"}


@dataclass(frozen=True)
class Base:
    """The model that an adapter is loaded upon."""

    name: str
    """A repository on the Hub, or a folder."""
    revision: str | None
    """None for the newest commit."""


def is_adapter(entry: str) -> bool:
    """Whether a weights' file, as :func:`benchy.checkpoint.files.find_weights` finds it, is an adapter's."""
    return entry.rpartition("/")[2].startswith("adapter_model.")


def has_tokenizer(paths: Collection[str]) -> bool:
    """Whether an adapter brings a tokenizer, which then takes the place of its base's."""
    return not _TOKENIZER_FILES.isdisjoint(paths)


def base_of(model: ModelConfig, adapter: AdapterFile) -> Base:
    """Return the base that an adapter_config.json names.

    Raises:
        ConfigError: it cannot be taken from there.
    """
    name = adapter.base
    by_hand = f"set model.name to {name or 'its base'}, and model.args to {{peft: {model.name}}}"
    backend = find_backend(model.backend)
    if not backend.reads_checkpoint:
        text = f"{model.name} is an adapter, which the back end {model.backend} does not take as model.name"
        argument = backend.adapter_argument
        hint = by_hand.replace("peft:", f"{argument}:") if argument else "set model.backend: hf"
        raise ConfigError(text, hint=hint)
    if name is None or not _may_be_there(name):
        said = f'its base "{name}" is no folder here' if name else f"its {ADAPTER_FILE} names no base"
        raise ConfigError(f"{model.name} is an adapter, and {said}", hint=by_hand)
    return Base(name, adapter.revision)


def base_folder(adapter: str) -> Path | None:
    """Return the folder of the base that an adapter in a folder names; None of all else."""
    try:
        said = json.loads((Path(adapter) / ADAPTER_FILE).read_bytes())
        folder = Path(said["base_model_name_or_path"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return folder if folder.is_dir() else None


def _may_be_there(name: str) -> bool:
    """Whether it is a folder here, or has the form of the Hub's names."""
    return Path(name).is_dir() or (name.count("/") <= 1 and not name.startswith(("/", ".", "~")))
