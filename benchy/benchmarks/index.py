"""Which benchmarks exist: lm-eval's task files, indexed without importing lm-eval.

lm-eval parses its 14,000 YAML files whole at every start, which takes 5 to 6 s. A name needs only a file's top-level
``task``, ``group``, ``tag``, ``class`` and ``include``; they are read here by line, and each file once. The rules are
those of ``lm_eval/tasks/_index.py`` (0.4.13); a test compares the two indexes name by name.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from benchy.benchmarks.own_files import own_files
from benchy.bounded_yaml import MOST_BYTES, PlainLoader, read_yaml
from benchy.errors import ConfigError, TaskNotFound
from benchy.hashing import hash_content

_KEYS = re.compile(
    rb"^[\"']?(task|group|tag|class|include)[\"']?[ \t]*:[ \t]*(.*)$((?:\n(?:[ \t].*|-.*|[ \t]*#.*|))*)", re.MULTILINE
)
_PLAIN = re.compile(rb"""(?P<quote>["']?)(?P<name>[A-Za-z_][\w./-]*)(?P=quote)""")
_IGNORED_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}

MOST_MATCHES = 2_000
"""Names that one pattern may stand for; lm-eval's largest group has 1,167 benchmarks."""
MOST_ENTRIES = 100_000
"""Files and folders below one of ``include_path``; lm-eval's own are 16,000."""

Kind = Literal["task", "group", "tag"]


@dataclass
class TaskEntry:
    """One name that lm-eval knows."""

    kind: Kind
    path: str | None
    """Its YAML file; None for a tag."""
    members: list[str] = field(default_factory=list)
    """The tasks that carry this tag."""


TaskIndex = dict[str, TaskEntry]


def require_tasks(names: Sequence[str], include_path: Sequence[str]) -> None:
    """Check that each name stands for at least one benchmark, as lm-eval reads names (patterns, files, folders).

    Raises:
        TaskNotFound: one does not; with the nearest names.
    """
    index = index_tasks(include_path)
    if index is None:
        return
    for name in names:
        if name not in index and len(matches := fnmatch.filter(index, name)) > MOST_MATCHES:
            raise ConfigError(
                f'evaluation.tasks: "{name}" stands for {len(matches):,} benchmarks and groups',
                hint="name those you mean",
            )
        if not is_known(name, index):
            near = difflib.get_close_matches(name, index, n=3, cutoff=0.6)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise TaskNotFound(f'lm-eval knows no task "{name}"', hint=hint)


def is_known(name: str, index: TaskIndex) -> bool:
    """Whether lm-eval would find this name, pattern, file or folder."""
    return name in index or bool(fnmatch.filter(index, name)) or bool(own_files(name))


def index_tasks(include_path: Sequence[str]) -> TaskIndex | None:
    """lm-eval's own tasks and those of ``include_path``, which win; None if lm-eval is not installed here.

    Raises:
        TaskNotFound: a folder of ``include_path`` does not exist.
    """
    for folder in include_path:
        if not Path(folder).is_dir():
            raise TaskNotFound(
                f'evaluation.include_path: no folder "{folder}"', hint=f"paths are relative to {Path.cwd()}"
            )
    own = index_lm_eval()
    if own is None:
        return None
    index = dict(own)
    for folder in include_path:
        index |= index_folder(Path(folder))
    return index


def index_folder(root: Path) -> TaskIndex:
    """Return the names that the YAML files below a folder define; of two files with one name the first counts."""
    index: TaskIndex = {}
    cache: dict[Path, dict[str, object]] = {}
    for path in _yaml_files(root):
        _register(_top_level(path, cache), path, index)
    return index


@functools.cache
def index_lm_eval() -> TaskIndex | None:
    """Return the installed lm-eval's own, read once.

    One file a version, in the user's cache folder or made with the image.
    """
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or not spec.submodule_search_locations:
        return None
    root = Path(spec.submodule_search_locations[0]) / "tasks"
    version = importlib.metadata.version("lm_eval")
    place = hash_content(os.fsencode(root))[:8]  # another environment's files may be of the same second, and gone
    made = int(root.stat().st_mtime)  # layers of an image keep seconds
    kept = _cache_folder() / f"tasks-{version}-{made}-{place}.json"
    try:
        return {name: TaskEntry(**entry) for name, entry in json.loads(kept.read_bytes()).items()}
    except (OSError, ValueError, TypeError):
        index = index_folder(root)
        _keep(index, kept)
        return index


def _keep(index: TaskIndex, path: Path) -> None:
    from benchy.atomic import write_atomically

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({name: vars(entry) for name, entry in index.items()}))
    except OSError:
        return  # a read-only home only costs the second that indexing takes


def _cache_folder() -> Path:
    if made_with_the_image := os.environ.get("BENCHY_TASK_INDEX"):
        return Path(made_with_the_image)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "benchy"


def _yaml_files(root: Path) -> Iterable[Path]:
    """In lm-eval's order, which decides which of two files with one name counts."""
    found, entries = [], 0
    for folder, folders, files in os.walk(root):
        entries += len(folders) + len(files)
        if entries > MOST_ENTRIES:
            raise ConfigError(
                f'evaluation.include_path: below "{root}" are more than {MOST_ENTRIES:,} files and folders',
                hint="name the folder of your task files",
            )
        folders[:] = [name for name in folders if name not in _IGNORED_FOLDERS]
        found += [f"{folder}/{name}" for name in files if name.endswith(".yaml")]
    return map(Path, sorted(found))


def _register(cfg: dict[str, object], path: Path, index: TaskIndex) -> None:
    if "class" not in cfg and isinstance(cfg.get("group"), str):
        index.setdefault(str(cfg["group"]), TaskEntry("group", str(path)))
    elif isinstance(name := cfg.get("task"), str) and name not in index:
        index[name] = TaskEntry("task", str(path))
        for tag in _as_list(cfg.get("tag")):
            index.setdefault(str(tag), TaskEntry("tag", None)).members.append(name)


def _top_level(path: Path, cache: dict[Path, dict[str, object]], seen: tuple[Path, ...] = ()) -> dict[str, object]:
    """Return the keys of a file that matter here, those of the files that it includes among them."""
    if path in cache:
        return cache[path]
    try:
        text = _read(path).replace(b"\r\n", b"\n")
        own = {key.decode(): _value(first, rest) for key, first, rest in _KEYS.findall(text)}
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    merged: dict[str, object] = {}
    for included in _as_list(own.pop("include", None)):
        target = Path(os.path.normpath(path.parent / str(included)))
        if target not in seen:
            merged |= _top_level(target, cache, (*seen, path))
    cache[path] = merged | own
    return cache[path]


def _read(path: Path) -> bytes:
    """Return a file's beginning; what is no file, as a pipe that nobody writes to, is never waited for."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _value(first: bytes, rest: bytes) -> object:
    if not rest.strip() and (plain := _PLAIN.fullmatch(first.strip())):
        return plain["name"].decode()
    return read_yaml(first + rest, AnyTagLoader)


class AnyTagLoader(PlainLoader):
    """Reads ``!function`` as nothing: only names matter here."""


AnyTagLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
