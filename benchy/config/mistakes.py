"""Says what is wrong with a config, in the words of somebody who writes YAML."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from benchy.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a key stands: ``("evaluation", "tasks", 0)``."""
MOST_SHOWN = 20
"""Mistakes that are named of one file; a hundred are one mistake made a hundred times."""
PATTERNS_IN_WORDS = {
    (AUTO := r"^auto(:\d{1,9}(\.\d{1,9})?)?$"): "auto or auto:N",
    (SIZE := r"^[1-9][0-9]{0,11}[bkmg]$"): "a size such as 512m or 8g",
    (ADDRESS := r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"): "package.module:Class",
    (NO_NUL := r"^[^\x00]*$"): "text without null characters",
    (MOUNT := r"^[^:]+:/[^:]*(:r[ow])?$"): "source:target or source:target:ro",
    (GPU := r"^((GPU|MIG)-[0-9A-Za-z/-]+|[0-9A-Za-z._-]+/[0-9A-Za-z._-]+=[0-9A-Za-z.:_-]+)$"): (
        "a GPU as nvidia-smi -L names it (an index such as 0, or GPU-8f2c...), or as CDI does (nvidia.com/gpu=0)"
    ),
}
_IN_WORDS = {
    "tuple_type": "a list",
    "model_type": "a section",
    "missing": "a longer list",
    "too_short": "at least one",
    "string_too_short": "some text",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a section",
}


def describe_mistakes(errors: Sequence[ErrorDetails], root: type[BaseModel], lines: Mapping[KeyPath, int]) -> list[str]:
    """One sentence a wrong key. pydantic gives an error for each member of a union; they become one.

    Args:
        errors: pydantic's.
        root: the model of the whole file.
        lines: the line of each key, as far as known.
    """
    by_key: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        by_key.setdefault(_key_path(error["loc"], root), []).append(error)
    shown = [_describe(path, group, root, lines) for path, group in list(by_key.items())[:MOST_SHOWN]]
    more = len(by_key) - len(shown)
    return [*shown, f"and {more} more"] if more else shown


def key_lines(node: yaml.Node, *, source: str, path: KeyPath = ()) -> dict[KeyPath, int]:
    """Return the line of each key; a key written twice is an error, since YAML keeps only the last in silence.

    Raises:
        ConfigError: it is.
    """
    found: dict[KeyPath, int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{source}: line {key.start_mark.line + 1}: a key is a list or a section, not text")
            here = (*path, key.value)
            line = key.start_mark.line + 1
            if here in found:
                raise ConfigError(f'{source}: line {line}: "{_dotted(here)}" is written twice; keep one')
            found |= {here: line} | key_lines(value, source=source, path=here)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            here = (*path, index)
            found |= {here: value.start_mark.line + 1} | key_lines(value, source=source, path=here)
    return found


def type_name(value: object) -> str:
    """Return what a value of a YAML file is."""
    if value is None:
        return "nothing"
    names = {"str": "a string", "dict": "a section", "list": "a list", "int": "a number", "float": "a number"}
    return names.get(type(value).__name__, type(value).__name__)


def _describe(path: KeyPath, errors: list[ErrorDetails], root: type[BaseModel], lines: Mapping[KeyPath, int]) -> str:
    line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    where = f"line {line}: " if line else ""
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return f'{where}unknown key "{_dotted(path)}"{_suggest(path, root)}'
    if first["type"] == "missing":
        kind = "section" if len(path) == 1 else "key"
        return f'{where}missing {kind} "{_dotted(path)}"{_expects(path, root)}'
    if first["type"] == "value_error":
        said = first["msg"].removeprefix("Value error, ")
        names_key = len(path) < 2 or f'"{_dotted(path)}' in said  # a section's own mistakes do
        return f"{where}{said}" if names_key else f'{where}"{_dotted(path)}": {said}'
    expected = " or ".join(dict.fromkeys(_expected(error) for error in errors))
    return f'{where}"{_dotted(path)}" is {_shown(path, first["input"])}; expected {expected}'


def _shown(path: KeyPath, value: object) -> str:
    """Return a value as a message may show it: what stands in a section, or for a variable, may be a secret."""
    is_hidden = isinstance(value, dict) or path[:1] == ("environment",)
    return type_name(value) if is_hidden else f"{value!r} ({type_name(value)})"


def _expected(error: ErrorDetails) -> str:
    """Return what pydantic expected, in a YAML writer's words."""
    if error["type"] == "string_pattern_mismatch":
        return PATTERNS_IN_WORDS[error["ctx"]["pattern"]]
    return _IN_WORDS.get(error["type"], error["msg"].removeprefix("Input should be "))


def _expects(path: KeyPath, root: type[BaseModel]) -> str:
    field = _model_at(path[:-1], root).model_fields.get(str(path[-1]))
    inner = field.annotation if field else None
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        required = [name for name, f in inner.model_fields.items() if f.is_required()]
        return f"; it needs {', '.join(required)}"
    return ""


def _key_path(location: tuple[str | int, ...], root: type[BaseModel]) -> KeyPath:
    """Return what of pydantic's location is a path in the file (it also names union members and validators)."""
    path: list[str | int] = []
    model: type[BaseModel] | None = root
    is_name = False  # the next part is a name that the file's author chose
    for part in location:
        if model is None:
            break
        path.append(part)
        if not is_name:
            field = model.model_fields.get(str(part))
            model, is_name = _section(model, part), field is not None and get_origin(field.annotation) is dict
        else:
            is_name = False
    return tuple(path)


def _section(model: type[BaseModel], key: str | int) -> type[BaseModel] | None:
    field = model.model_fields.get(str(key))
    if field is None:
        return None
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _model_at(path: KeyPath, root: type[BaseModel]) -> type[BaseModel]:
    for part in path:
        root = _section(root, part) or root
    return root


def _suggest(path: KeyPath, root: type[BaseModel]) -> str:
    """Return the nearest valid name, here or in another section, and else all names that are valid here."""
    wrong = str(path[-1])
    here = list(_model_at(path[:-1], root).model_fields)
    if near := difflib.get_close_matches(wrong, here, n=1, cutoff=0.6):
        return f'; did you mean "{_dotted((*path[:-1], near[0]))}"?'
    for section in root.model_fields:
        model = _section(root, section)
        if model and wrong in model.model_fields:
            return f'; did you mean "{section}.{wrong}"?'
    return f"; expected one of: {', '.join(here)}"


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)
