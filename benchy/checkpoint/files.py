"""Which files of a model's repository or folder are loaded, and so which are fetched."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from benchy.backends import find_backend
from benchy.config import ModelConfig
from benchy.errors import ModelLoadError, ModelNotFound
from benchy.record import ModelSource

IN_ORDER = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
)
"""transformers takes the first that exists (`_get_resolved_checkpoint_files` in its modeling_utils.py)."""

WEIGHT_SUFFIXES = (
    ".safetensors", ".bin", ".gguf", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".ot",
    ".tflite", ".mlmodel", ".nemo", ".npz",
)  # fmt: skip
_SMALL_SUFFIXES = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".spm", ".vocab", ".bpe", ".yaml", ".yml", ".py")

_BENCHYS_OWN = {"leaderboard.json", "record.json"}


def source_of(model: ModelConfig) -> ModelSource:
    """Where the model comes from."""
    if not find_backend(model.backend).loads_weights:
        return "api"
    return "folder" if Path(model.name).is_dir() else "hub"


def find_weights(paths: Collection[str], model: ModelConfig) -> str:
    """Return the one file that holds the weights or names their shards.

    Raises:
        ModelNotFound: there are no weights.
        ModelLoadError: there are some, but the back end cannot load their format.
    """
    if gguf := model.args.get("gguf_file"):
        if str(gguf) not in paths:
            raise ModelNotFound(f'{model.name} holds no "{gguf}"', hint=_list("GGUF files there", paths, ".gguf"))
        return str(gguf)
    prefix = f"{model.args['subfolder']}/" if model.args.get("subfolder") else ""
    for name in IN_ORDER:
        if prefix + name in paths:
            return prefix + name
    others = sorted(path for path in paths if path.endswith(WEIGHT_SUFFIXES))
    if not others:
        lacks = "weights" if "config.json" in paths else "config.json and no weights"
        raise ModelNotFound(f"{model.name} holds no {lacks}", hint="name a repository or folder of a saved model")
    if any(path.endswith(".gguf") for path in others):
        hint = f'set model.args.gguf_file to one of its files, e.g. "{_first(others, ".gguf")}"'
    else:
        hint = f"it needs one of {', '.join(IN_ORDER[:4])}"
    raise ModelLoadError(
        f'{model.name} has weights, but none that "{model.backend}" can load: {name_some(others)}', hint=hint
    )


def weight_files(entry: str, read: Callable[[str], Path]) -> list[str]:
    """Return the files that hold weights: ``entry`` itself, or the shards that it names.

    Args:
        entry: what :func:`find_weights` found.
        read: gives a file's place on this machine by its path in the repository.

    Raises:
        ModelLoadError: the index is damaged.
    """
    if not entry.endswith(".index.json"):
        return [entry]
    folder = entry.rpartition("/")[0]
    try:
        shards = set(json.loads(read(entry).read_bytes())["weight_map"].values())
        if odd := [shard for shard in shards if not (shard and isinstance(shard, str))]:
            raise ValueError(f"it names {odd[0]!r} as a file")  # noqa: TRY301 - as all else that is wrong with it
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelLoadError(f"{entry} is damaged: {error}", hint="the repository needs a new upload") from error
    return sorted(f"{folder}/{shard}" if folder else shard for shard in shards)


def files_to_load(paths: Iterable[str], weights: Collection[str]) -> list[str]:
    """Return the weights, and every small file beside them that a tokenizer, a config or remote code may need."""
    folders = {"", "additional_chat_templates", *(path.rpartition("/")[0] for path in weights)}
    return sorted({*weights, *(path for path in paths if _is_small_part(path, folders))})


def files_to_hash(paths: Iterable[str], weights: Collection[str], *, with_code: bool) -> list[str]:
    """Those that make a model what it is: no YAML, which may be Benchy's own, and code only if it may run."""
    left_out = (".yaml", ".yml", *(() if with_code else (".py",)))
    loaded = (path for path in files_to_load(paths, weights) if path not in _BENCHYS_OWN)
    return [path for path in loaded if path in weights or not path.endswith(left_out)]


def _is_small_part(path: str, folders: Collection[str]) -> bool:
    if path.endswith(".py"):
        return True  # remote code may be a package of several folders
    is_other_index = path.endswith(".index.json")
    return path.rpartition("/")[0] in folders and path.endswith(_SMALL_SUFFIXES) and not is_other_index


def _first(paths: Iterable[str], suffix: str) -> str:
    return next(path for path in paths if path.endswith(suffix))


def _list(what: str, paths: Collection[str], suffix: str) -> str:
    return f"{what}: {name_some([path for path in sorted(paths) if path.endswith(suffix)])}"


def name_some(paths: list[str]) -> str:
    """Return the first few of these names, for a message."""
    shown = ", ".join(paths[:4])
    return f"{shown}, ..." if len(paths) > 4 else shown or "none"
