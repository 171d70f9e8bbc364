"""What transformers reports of a load: a tensor that is missing is an error, and not random numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchy.checkpoint.files import name_some
from benchy.errors import ModelLoadError
from benchy.worker.harness.patching import replaced

ADAPTER_LACKS = "Found missing adapter keys"
"""How peft's warning begins; it goes on with an adapter that changes nothing, or at random."""
SAVE_AGAIN = "the files may be a part of the model only, or name their tensors otherwise; save the model again"


@contextmanager
def refusing_random_weights() -> Iterator[list[str]]:
    """Refuse a model that transformers loads inside, or an adapter, if its files lack a tensor or hold a wrong shape.

    Yields:
        Gets warnings: which tensors of the files have no place in the model.

    Raises:
        ModelLoadError: a tensor would be filled with random numbers.
    """
    from transformers import PreTrainedModel

    found: list[str] = []
    checked = _checked(PreTrainedModel._finalize_model_loading, found)
    with replaced(PreTrainedModel, _finalize_model_loading=staticmethod(checked)), warnings.catch_warnings():
        warnings.filterwarnings("error", message=ADAPTER_LACKS)
        yield found


def _checked(finalize: Callable[..., Any], found: list[str]) -> Callable[..., Any]:
    """Wrap transformers' last step of a load, after which its report is looked at."""

    def checked(model: Any, load_config: Any, info: Any) -> Any:
        try:
            finalize(model, load_config, info)
        except RuntimeError as error:
            _require_shapes(model, info, error)
            raise
        _require_shapes(model, info)
        _require_tensors(model, info)
        if info.unexpected_keys:
            unused = f"{type(model).__name__} has no place for {_count(info.unexpected_keys)} of the weights' files"
            found.append(f"{unused}: {name_some(sorted(info.unexpected_keys))}")
        return info

    return checked


def _require_shapes(model: Any, info: Any, cause: Exception | None = None) -> None:
    if not info.mismatched_keys:
        return
    name, stored, wanted = min(info.mismatched_keys)
    raise ModelLoadError(
        f"the weights' files hold another shape than the config.json says of {_count(info.mismatched_keys)} of "
        f"{type(model).__name__}, e.g. {name}: {tuple(stored)}, not {tuple(wanted)}",
        hint="the config.json is of another model, or the weights are",
    ) from cause


def _require_tensors(model: Any, info: Any) -> None:
    if info.missing_keys:
        raise ModelLoadError(
            f"the weights' files lack {_count(info.missing_keys)} of {type(model).__name__}, which transformers would "
            f"fill with random numbers: {name_some(sorted(info.missing_keys))}",
            hint=SAVE_AGAIN,
        )


def _count(tensors: set[Any]) -> str:
    return "1 tensor" if len(tensors) == 1 else f"{len(tensors):,} tensors"
