"""Loads the benchmarks' data sets, each of the Hub's at one commit for the whole run, and says which they were."""

from __future__ import annotations

import functools
import glob
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchy import hub
from benchy.benchmarks.files import HubDataset, is_on_hub
from benchy.errors import EvaluationFailed, NetworkError
from benchy.hub import Repo
from benchy.worker.failures import failing_as
from benchy.worker.fetch.cache import sweep
from benchy.worker.harness.patching import replaced

_COMMIT = re.compile("[0-9a-f]{40}")
_CONTENT = "sha256:"
_OF_LOADING_ALONE = {"split", "keep_in_memory", "save_infos", "num_proc", "streaming", "verification_mode"}
"""What ``datasets.load_dataset`` takes, and a builder does not."""


@dataclass
class DataSets:
    """The data sets of one run: the Hub's by their commits, files of a task's own by their content."""

    commits: dict[str, str] = field(default_factory=dict)
    """By ``name`` or ``name@revision``. What a worker before this one loaded is loaded at the same commit again."""
    fetched: frozenset[str] = frozenset()
    """Those that another worker fetched: they are loaded from the cache."""
    files: dict[str, str] = field(default_factory=dict)
    """``sha256:...`` of each local data file, by its name: its folder is this machine's alone."""
    seconds: float = 0.0
    """How long fetching and loading took."""

    def fetch(self, wanted: Sequence[HubDataset]) -> None:
        """Bring data sets into the cache, as `datasets` will load them; what is there is not read.

        Raises:
            EvaluationFailed: one cannot be read, or does not exist.
            AccessDenied, NetworkError, DiskFull: one cannot be fetched.
        """
        missing = [data for data in wanted if not self._is_here(data)]
        if not missing:
            return
        import datasets

        with self.pinned():
            for data in missing:
                with failing_as(EvaluationFailed, f'the data of benchmark "{data.benchmark}" cannot be fetched'):
                    datasets.load_dataset(path=data.name, name=data.part, **data.options)

    def _is_here(self, data: HubDataset) -> bool:
        """Whether its part is in the cache at the commit; of parts without a name, or of named files, nobody knows."""
        commit = self._commit(Repo(data.name, "dataset", data.revision or None, EvaluationFailed))
        if commit is None or data.part is None or data.options.keys() - {"revision"}:
            return False
        return any(hub.datasets_cache().glob(f"*/{glob.escape(data.part)}/*/{commit}/dataset_info.json"))

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """While tasks are built: ``datasets.load_dataset``, which lm-eval calls for each, takes one commit of each.

        The commit is no part of the task's own config, so lm-eval's files stay as they are. Data sets come without xet:
        where its transfers hang (huggingface_hub#4508), nobody watches these, as somebody does the model's.
        """
        import datasets
        from huggingface_hub import constants

        load = datasets.load_dataset

        def load_pinned(path: str, *args: Any, revision: str | None = None, **kwargs: Any) -> Any:
            if not is_on_hub(path):
                loaded = load(path, *args, revision=revision, **kwargs)
                self._note_files(datasets, path, *args, revision=revision, **kwargs)
                return loaded
            started = time.monotonic()
            repo = Repo(path, "dataset", revision, EvaluationFailed)
            sweep(repo)
            try:
                loaded = self._load(functools.partial(load, path, *args, **kwargs), repo)
                self._note(repo, loaded)
                return loaded
            finally:
                self.seconds += time.monotonic() - started

        with replaced(datasets, load_dataset=load_pinned), replaced(constants, HF_HUB_DISABLE_XET=True):
            yield

    @classmethod
    def at(cls, versions: Mapping[str, str], fetched: Mapping[str, str] = MappingProxyType({})) -> DataSets:
        """Those of a record and those that were fetched since; local files are read anew."""
        known = {name: version for name, version in versions.items() if not version.startswith(_CONTENT)}
        return cls(known | dict(fetched), fetched=frozenset(fetched))

    @property
    def versions(self) -> dict[str, str]:
        """What the record says of all of them."""
        return self.commits | self.files

    def _note_files(self, datasets: Any, path: str, *args: Any, **kwargs: Any) -> None:
        """Note the files on this machine that a builder of `datasets` chose."""
        own = {name: value for name, value in kwargs.items() if name not in _OF_LOADING_ALONE}
        chosen = datasets.load_dataset_builder(path, *args, **own).config.data_files or {}
        for file in sorted({Path(file) for files in chosen.values() for file in files}):
            if file.is_file():
                with file.open("rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                name = file.name
                if self.files.get(name, _CONTENT + digest) != _CONTENT + digest:
                    name = f"{file.name} ({digest[:8]})"
                self.files[name] = _CONTENT + digest

    def _load(self, load: Callable[..., Any], repo: Repo) -> Any:
        """Return what was fetched comes from the cache; what a benchmark's code wants beyond that, over the network."""
        commit = self._commit(repo)
        if _key(repo) in self.fetched:
            with suppress(ConnectionError, FileNotFoundError, ValueError), _offline():
                return load(revision=commit)
        return load(revision=commit)

    def _commit(self, repo: Repo) -> str | None:
        """Return the one that is known of this run, else what the revision stands for now.

        None if only the cache knows.

        Raises:
            EvaluationFailed: no such data set or revision.
            AccessDenied, NetworkError: it cannot be asked for.
        """
        name = _key(repo)
        if hub.is_offline():
            with suppress(NetworkError):
                self.commits.setdefault(name, hub.cached_commit(repo))
            _make_newest(self.commits.get(name))
        elif name in self.fetched:
            _make_newest(self.commits[name])
        else:
            if name not in self.commits:
                self.commits[name] = hub.list_files(repo).commit
            hub.remember_commit(repo, self.commits[name])
        return self.commits.get(name)

    def _note(self, repo: Repo, loaded: Any) -> None:
        """Its cache keeps a data set of the Hub in a folder that is called as the commit.

        Raises:
            EvaluationFailed: the cache holds another commit than the one that this run needs.
        """
        splits = loaded.values() if isinstance(loaded, dict) else [loaded]
        folders = {Path(file["filename"]).parent.name for split in splits for file in getattr(split, "cache_files", ())}
        for commit in filter(_COMMIT.fullmatch, folders):
            needed = self.commits.setdefault(_key(repo), commit)
            if needed != commit:
                raise EvaluationFailed(
                    f"the cache holds {repo.name} at {commit}, and this run needs it at {needed}",
                    hint="unset HF_HUB_OFFLINE to fetch it",
                )


@contextmanager
def _offline() -> Iterator[None]:
    from datasets import config
    from huggingface_hub import constants

    with replaced(config, HF_HUB_OFFLINE=True), replaced(constants, HF_HUB_OFFLINE=True):
        yield


def _key(repo: Repo) -> str:
    return repo.name if repo.revision is None else f"{repo.name}@{repo.revision}"


def _make_newest(commit: str | None) -> None:
    """Without the network `datasets` takes what is newest in its cache, whatever revision it is asked for."""
    for folder in hub.datasets_cache().glob(f"*/*/*/{commit}"):
        folder.touch()
