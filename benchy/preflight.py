"""Facts about this host and the model before a byte is downloaded or a GPU is taken."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from benchy import hub
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, ModelNotFound
from benchy.hub_failures import Repo
from benchy.model_files import find_weights, loads_weights
from benchy.record import Facts
from benchy.task_index import require_tasks


def preflight(config: BenchmarkConfig) -> Facts:
    """Check all that can be known here in a second or two.

    Raises:
        TaskNotFound: lm-eval knows no such task.
        ModelNotFound: no such folder, repository or revision, or no weights in it.
        ModelLoadError: its weights have a format that the back end cannot load.
        AccessDenied: the model is private or gated, or the token is missing or not valid.
        NetworkError: the Hub cannot be reached.
        ConfigError: results could not be written.
    """
    require_tasks(config.evaluation.tasks, config.evaluation.include_path)
    _require_writable(config)
    if not loads_weights(config.model):
        return Facts()
    name = config.model.name
    if Path(name).is_dir():
        _check_folder(config, Path(name))
        return Facts()
    if looks_like_path(name):
        raise ModelNotFound(f'no folder "{name}"', hint=f"paths are relative to {Path.cwd()}")
    return _check_repository(config)


def _check_folder(config: BenchmarkConfig, folder: Path) -> None:
    paths = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    _require_model_files(config, paths)


def _check_repository(config: BenchmarkConfig) -> Facts:
    """A repository on the Hub: it exists, at a commit, with weights, and this token may read its files."""
    repo = Repo(config.model.name, revision=config.model.revision)
    if hub.is_offline():
        return Facts(commit=hub.cached_commit(repo))
    listing = hub.list_files(repo)
    config_file = _require_model_files(config, listing.sizes)
    pinned = Repo(repo.name, revision=listing.commit)
    hub.require_access(pinned, config_file)
    hub.remember_commit(repo, listing.commit)
    return Facts(commit=listing.commit)


def _require_model_files(config: BenchmarkConfig, paths: Collection[str]) -> str:
    """Check that a model can be loaded from these files; the one that says what it is.

    Raises:
        ModelNotFound, ModelLoadError: as :func:`benchy.model_files.find_weights`, or there is no config.
    """
    weights = find_weights(paths, config.model)
    folder = weights.rpartition("/")[0]
    for name in ("config.json", "adapter_config.json"):
        path = f"{folder}/{name}" if folder else name
        if path in paths:
            return path
    if config.model.args.get("gguf_file"):
        return weights
    raise ModelNotFound(f"{config.model.name} holds no config.json", hint="name the folder of a saved model")


def looks_like_path(name: str) -> bool:
    """Whether a name can only be a path: the Hub's names are ``name`` or ``org/name``."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name.endswith("/")


def _require_writable(config: BenchmarkConfig) -> None:
    """An output folder that cannot be written is found now, not after the evaluation."""
    for key, path in (
        ("evaluation.output_path", config.evaluation.output_path),
        ("logging.log_dir", config.logging.log_dir),
    ):
        nearest = next(p for p in (Path(path).absolute(), *Path(path).absolute().parents) if p.exists())
        if not nearest.is_dir():
            raise ConfigError(f'{key}: "{nearest}" is a file, not a folder')
