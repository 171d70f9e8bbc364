"""What the values of a config may be, and how they may be written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from benchy.config.arguments import read_arguments
from benchy.config.mistakes import GPU, MOUNT, NO_NUL, SIZE
from benchy.frozen import FrozenModel

LM_EVAL_SEEDS = (0, 1234, 1234, 1234)
"""lm-eval's defaults."""


def split_names(value: object) -> object:
    """Read ``"a, b"`` and ``["a", "b"]`` alike as two benchmarks, as lm-eval does."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",")]
    return tuple(value) if isinstance(value, list) else value


def one_or_more(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def no_is_a_word(value: object) -> object:
    """YAML 1.1 reads an unquoted ``no`` as false."""
    return "no" if value is False else value


def as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def as_seeds(value: object) -> object:
    """lm-eval's ``0,None,1234,1234`` too: one is for all four, and after three comes its own last one."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    seeds = [_as_seed(part) for part in parts]
    return tuple(seeds * 4 if len(seeds) == 1 else [*seeds, *LM_EVAL_SEEDS[3:]] if len(seeds) == 3 else seeds)


def _as_seed(value: object) -> object:
    text = value.strip().lower() if isinstance(value, str) else ""
    return None if text == "none" else int(text) if text.isdecimal() else value


def _expand_home(path: str) -> str:
    """Take ``~/runs`` for a folder of this user's, as a shell does."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 - pathlib raises RuntimeError of an unknown user
    if expanded.startswith("~"):
        raise ValueError(f'"{path}" names the home folder of nobody on this host')
    return expanded


def _require_json(arguments: dict[str, Any]) -> dict[str, Any]:
    """They are kept in the record and sent to the worker."""
    try:
        json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"what JSON cannot hold is no argument: {error}") from error
    return arguments


Name = Annotated[str, Field(min_length=1, max_length=4096, pattern=NO_NUL)]
FilePath = Annotated[Name, AfterValidator(_expand_home)]
Count = Annotated[int, Field(gt=0, lt=2**31)]
Arguments = Annotated[dict[str, Any], AfterValidator(_require_json)]
ArgumentsAsText = Annotated[Arguments, BeforeValidator(read_arguments, json_schema_input_type=dict[str, Any] | str)]
"""Arguments that may also be written as on lm-eval's command line."""
GpuName = Annotated[int, Field(ge=0, lt=1000)] | Annotated[str, Field(max_length=200, pattern=GPU)]


Seed = Annotated[int, Field(ge=0, lt=2**32)] | None
Seeds = tuple[Seed, Seed, Seed, Seed]
SeedsAsWritten = int | str | None | tuple[int | str | None, ...]
Names = str | tuple[str, ...]
"""As they may be written; what is read is checked more closely."""
Bytes = Annotated[str, Field(pattern=SIZE)]
Volume = Annotated[str, Field(pattern=MOUNT)]


ChangePath = Callable[[str], str]
"""Gives what stands for a path, or for a name that may be one."""


class Section(FrozenModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)
