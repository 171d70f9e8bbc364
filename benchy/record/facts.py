"""What a run knows before its steps: device, environment, model, memory estimate."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from benchy.config import ChangePath
from benchy.frozen import FrozenModel


class Device(FrozenModel):
    """One device that the worker sees."""

    kind: Literal["cpu", "cuda", "mps"]
    name: str
    """What its maker calls it."""
    memory_bytes: int
    uuid: str | None = None
    """``GPU-...`` as ``nvidia-smi -L`` prints it."""


class Environment(FrozenModel):
    """Where the worker ran."""

    packages: dict[str, str]
    """Version of each package that can change a score."""
    python: str
    platform: str
    cpu: str
    cpu_count: int
    devices: tuple[Device, ...]
    image: str | None = None
    """The container's image by digest; None outside of one."""
    pinned_gpus: tuple[str, ...] = ()
    """UUIDs of the GPUs that the container was given, as the worker found them."""


ModelSource = Literal["hub", "folder", "api"]


def with_source(name: str, source: ModelSource | None) -> str:
    """Return a name that is of a model, with where that came from unless it is the Hub (or not known)."""
    told = {"folder": " (folder)", "api": " (API)"}
    return name + told.get(source or "", "")


class ModelIdentity(FrozenModel):
    """What was tested and evaluated, exactly."""

    name: str
    """As the config names it."""
    source: ModelSource
    commit: str | None = None
    """The Hub's commit that the revision stood for."""
    content_hash: str | None = None
    """For a folder: SHA-256 over its files' names and contents."""
    parts: dict[str, str] = Field(default_factory=dict)
    """The commit of each further repository that is loaded with it: tokenizer, adapter, delta weights, an adapter's
    base (or the base's content hash, if that is a folder)."""

    def with_paths(self, change: ChangePath) -> Self:
        """Return it with its name changed."""
        return self._with(name=change(self.name))

    @property
    def label(self) -> str:
        """Its name wherever it is shown; of all but the Hub's repositories with where it came from."""
        return with_source(self.name, self.source)


class MemoryEstimate(FrozenModel):
    """What one GPU is thought to hold at the peak of a forward pass; see benchy/checkpoint/memory.py."""

    batch: int
    length: int
    """Tokens of each sequence."""
    weights_bytes: int
    kv_cache_bytes: int
    logits_bytes: int
    activations_bytes: int
    gpus: int
    """Over how many GPUs one copy of the model is spread."""

    @property
    def total_bytes(self) -> int:
        """Without what CUDA itself takes; the layers' activations are gone when the logits are made."""
        return self.weights_bytes + self.kv_cache_bytes + max(self.logits_bytes, self.activations_bytes)


class Facts(FrozenModel):
    """What was found out before anything was fetched or loaded."""

    commit: str | None = None
    """The Hub's commit of the model's revision: from then on only this one is used. None for a folder or an API."""
    base: str | None = None
    """Of an adapter: the model that it is loaded upon, ``name@commit`` or a folder."""
    parameters: int | None = None
    """In the weights' files, tied ones once; None if the files do not say."""
    bytes_by_dtype: dict[str, int] = Field(default_factory=dict)
    """As stored."""
    download_bytes: int = 0
    """Of the files that are loaded."""
    missing_bytes: int = 0
    """Of those that are not in the cache yet."""
    memory: MemoryEstimate | None = None
    warnings: tuple[str, ...] = ()
    """What may go wrong, and what to do about it."""


class Fetched(FrozenModel):
    """The answer to ``fetch``: what is in the cache now, and was found to be what the Hub's hashes say."""

    commit: str | None = None
    """The model's; None for a folder, and for a model behind an API."""
    parts: dict[str, str] = Field(default_factory=dict)
    """The commit of each further repository that is loaded with it."""
    data_sets: dict[str, str] = Field(default_factory=dict)
    """The commit of each data set, by ``name`` or ``name@revision``."""
    seconds: float = 0.0

    def after(self, earlier: Fetched | None) -> Fetched:
        """Return this, which was fetched in a second part, with the seconds of both parts."""
        return self._with(seconds=self.seconds + earlier.seconds) if earlier is not None else self


class Imported(FrozenModel):
    """The answer to ``import``: the libraries are there, and the devices."""


class Prepared(FrozenModel):
    """The answer to ``prepare``: all that the next steps need is on this machine."""

    model: ModelIdentity
    environment: Environment
    benchmarks: tuple[str, ...]
    """Every single benchmark that the config's tasks, groups and tags stand for."""
    data_sets: dict[str, str] = Field(default_factory=dict)
    """As in the record."""
    download_seconds: float
    """Of the model and the data sets, whether they came over the network or were in the cache."""
