"""Computes a plan: forward passes over packed rows that read the keys and values of a shared prefix."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from benchy.worker.hf.pack import Packed, pack
from benchy.worker.hf.plan import Batch, Request, Tokens

OUTPUTS_AT_ONCE = 32
"""Positions whose outputs are turned into float32 together."""


@dataclass(frozen=True)
class Score:
    """What lm-eval wants to know about one request."""

    request: Request
    log_likelihood: float
    """Natural logarithm, summed over the continuation."""
    is_greedy: bool
    """Whether each token of the continuation is the most likely one."""


class _PrefixLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values of a prefix, read by every row of a batch; what a row adds is not kept."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, rows: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.cat([self.keys, key_states], dim=-2), torch.cat([self.values, value_states], dim=-2)


class _NoPrefixLayer(DynamicLayer):  # type: ignore[misc]
    """A layer that has read nothing before, and keeps nothing."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return key_states, value_states


@dataclass(frozen=True)
class Windows:
    """Which of a model's layers read only so many last tokens."""

    size: int | None = None
    """Tokens, the reading one included; none if not set."""
    mixed: bool = False
    """Whether other layers read everything, so that the model takes a mask for each kind."""


class Forward:
    """A model, called with packed rows."""

    def __init__(self, model: Any, windows: Windows, autocast: Callable[[], Any]) -> None:
        """Take a model as it is.

        Args:
            model: a causal transformers model.
            windows: its sliding windows.
            autocast: gives the context in which it is called.
        """
        self._model = model
        self._windows = windows
        self._autocast = autocast
        self._cache_name = cache_name(model)

    def scores(self, batches: Iterable[Batch]) -> Iterator[list[Score]]:
        """Score batches one by one; prefixes are kept while the next batch shares them."""
        kept: list[tuple[Tokens, DynamicCache]] = []
        for batch in batches:
            yield self._score(batch, self._follow(batch.prefixes, kept))

    def _follow(self, prefixes: tuple[Tokens, ...], kept: list[tuple[Tokens, DynamicCache]]) -> DynamicCache:
        """Return what holds these prefixes, each computed behind those before it; ``kept`` becomes theirs."""
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1][0], zip(prefixes, kept, strict=False)))
        del kept[shared:]
        for prefix in prefixes[shared:]:
            kept.append((prefix, self.extended(kept[-1][1] if kept else DynamicCache(), prefix)))
        return kept[-1][1] if kept else DynamicCache()

    def _score(self, batch: Batch, cache: DynamicCache) -> list[Score]:
        rows, depth = batch.rows, batch.depth
        packed = [pack(row, depth) for row in rows]
        length = max(row.length for row in rows)
        found = [(request, slots + index * length) for index, row in enumerate(packed) for request, slots in row.scored]
        positions, inverse = np.unique(np.concatenate([slots for _, slots in found]), return_inverse=True)
        logits = self.outputs(packed, depth, cache, positions)
        targets = np.concatenate([request.targets for request, _ in found])
        log_probs, hits = _token_scores(logits, inverse, targets)
        starts = np.cumsum([0, *(len(slots) for _, slots in found)])[:-1]
        sums = np.add.reduceat(log_probs, starts).tolist()
        greedy = np.logical_and.reduceat(hits, starts).tolist()
        return [Score(request, *answer) for (request, _), *answer in zip(found, sums, greedy, strict=True)]

    def extended(self, cache: DynamicCache, tokens: np.ndarray[Any, Any]) -> DynamicCache:
        """Return a new cache that holds ``tokens`` behind what ``cache`` holds."""
        longer = DynamicCache()
        longer.layers = [_copy(layer) for layer in cache.layers]
        self._call(torch.from_numpy(tokens)[None].long(), longer, np.array([0]))
        return longer

    def outputs(
        self, packed: list[Packed], depth: int, cache: DynamicCache, positions: np.ndarray[Any, Any]
    ) -> torch.Tensor:
        """Logits ``[len(positions), vocabulary]`` at positions counted through all rows, each padded to the longest."""
        length = max(len(row.tokens) for row in packed)
        tokens = torch.zeros(len(packed), length, dtype=torch.long)
        for index, row in enumerate(packed):
            tokens[index, : len(row.tokens)] = torch.from_numpy(row.tokens)
        behind = _behind(cache, len(packed))
        if all(row.is_causal for row in packed):
            return self._call(tokens, behind, positions)
        places = torch.zeros(len(packed), length, dtype=torch.long)
        for index, row in enumerate(packed):
            places[index, : len(row.tokens)] = torch.from_numpy(row.positions)
        return self._call(
            tokens,
            behind,
            positions,
            position_ids=places.to(self._model.device),
            attention_mask=self._masks(packed, depth, length),
        )

    def _masks(self, packed: list[Packed], depth: int, length: int) -> torch.Tensor | dict[str, torch.Tensor]:
        size = self._windows.size
        reach = max(int(row.positions.max()) for row in packed) + 1
        if size is None or reach <= size:
            return self._mask(packed, depth, length, None)
        windowed = self._mask(packed, depth, length, size)
        if not self._windows.mixed:
            return windowed
        return {"full_attention": self._mask(packed, depth, length, None), "sliding_attention": windowed}

    def _mask(self, packed: list[Packed], depth: int, length: int, window: int | None) -> torch.Tensor:
        """``[rows, 1, length, depth + length]``: true where a token may read, or as eager attention wants it, 0."""
        mask = torch.zeros(len(packed), 1, length, depth + length, dtype=torch.bool)
        mask[..., 0] = True  # padding has to read something, or it becomes NaN
        for index, row in enumerate(packed):
            visible = torch.from_numpy(row.visible(depth, window))
            mask[index, 0, : visible.shape[0], : visible.shape[1]] = visible
        mask = mask.to(self._model.device)
        if self._model.config.get_text_config()._attn_implementation != "eager":
            return mask
        dtype = self._model.dtype
        return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, torch.finfo(dtype).min)

    def _call(
        self, tokens: torch.Tensor, cache: Cache, positions: np.ndarray[Any, Any], **arguments: Any
    ) -> torch.Tensor:
        arguments |= {"use_cache": True, self._cache_name: cache}
        with torch.no_grad(), self._autocast(), _only(self._model.get_output_embeddings(), positions):
            logits: torch.Tensor = self._model(tokens.to(self._model.device), **arguments).logits
        if logits.shape[:2] != (1, len(positions)):
            raise RuntimeError(f"the model's logits have the shape {tuple(logits.shape)}")
        return logits[0]


def cache_name(model: Any) -> str:
    """By which it takes keys and values; transformers 5.24 renamed the argument."""
    return "cache" if "cache" in inspect.signature(model.base_model.forward).parameters else "past_key_values"


def _behind(cache: DynamicCache, rows: int) -> Cache:
    """Return what ``rows`` rows read before their own tokens."""
    if (
        not cache.layers
    ):  # without any cache, transformers looks for packed sequences at each call, and waits for the GPU
        return Cache(layer_class_to_replicate=_NoPrefixLayer)
    return Cache(layers=[_PrefixLayer(layer.keys, layer.values, rows) for layer in cache.layers])


def _copy(layer: DynamicLayer) -> DynamicLayer:
    """Return a layer that grows without the first one's growing; the numbers are shared."""
    copy = DynamicLayer()
    copy.lazy_initialization(layer.keys, layer.values)
    copy.keys, copy.values = layer.keys, layer.values
    return copy


@contextmanager
def _only(head: torch.nn.Module, positions: np.ndarray[Any, Any]) -> Iterator[None]:
    """Let the output layer see only some positions, so that no other logits are ever computed."""

    def select(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        (hidden,) = inputs
        return (hidden.flatten(0, 1)[torch.from_numpy(positions).to(hidden.device)][None],)

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def _token_scores(
    logits: torch.Tensor, where: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Each target's log-probability at its row of ``logits``, at least in float32, and whether it is the likeliest."""
    dtype = torch.promote_types(logits.dtype, torch.float32)
    normalizer = torch.cat([part.to(dtype).logsumexp(-1) for part in torch.split(logits, OUTPUTS_AT_ONCE)])
    best = logits.max(-1).indices  # the first of equals, as argmax gives, in half the time on a CPU
    at = torch.from_numpy(where).to(logits.device)
    wanted = torch.from_numpy(targets).to(logits.device).long()
    log_probs = logits[at, wanted].to(dtype) - normalizer[at]
    both = torch.stack([log_probs, (best[at] == wanted).to(dtype)]).cpu().numpy()
    return both[0].astype(np.float64), both[1] > 0
