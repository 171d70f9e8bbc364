"""Bounds what is computed at once by the memory that plain lm-eval would take for the same requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchy.worker.hf.plan import Batch, Group, Row, RowLimit, Tokens, usual_length

MOST_TOKENS = {"cpu": 4096}
"""Tokens in one forward pass beyond which more bring no speed, by device."""
MOST_TOKENS_ELSEWHERE = 32768


@dataclass(frozen=True)
class ModelShape:
    """The sizes that decide how much memory a forward pass takes."""

    layers: int
    hidden: int
    inner: int
    """Width of the feed-forward part that one token uses."""
    query_width: int
    """Heads times head dimension."""
    key_width: int
    """The same of keys, which may have fewer heads."""
    vocabulary: int
    itemsize: int
    """Bytes of one number."""
    score_heads: int
    """Heads whose whole score matrix is written to memory: all with eager attention, else none."""
    grows: bool
    """Whether a pass may hold more tokens than plain lm-eval's: not in a mixture of experts, whose use of memory
    depends on the routing."""

    def kept(self, tokens: int) -> int:
        """Bytes of keys and values of all layers."""
        return 2 * self.layers * self.key_width * self.itemsize * tokens

    def passing(self, rows: int, new: int, keys: int, *, masked: bool) -> int:
        """Bytes that one layer needs while it computes ``new`` tokens a row that read ``keys``.

        A mask makes attention repeat the keys and values of grouped heads, and is itself turned into numbers.
        """
        states = self.itemsize * (6 * self.hidden + 3 * self.query_width + 3 * self.inner) * new
        read = self.itemsize * 2 * (self.key_width + (self.query_width if masked else 0)) * keys
        scores = self.itemsize * 2 * self.score_heads * new * keys
        mask = (1 + self.itemsize) * new * keys if masked else 0
        return rows * (states + read + scores + mask)

    def outputs(self, positions: int) -> int:
        """Bytes of the logits and of what is computed from them."""
        return 2 * self.vocabulary * self.itemsize * positions


@dataclass(frozen=True)
class Budget:
    """How much may be computed at once."""

    shape: ModelShape
    limit: int
    """Bytes, beside the weights."""
    most_tokens: int

    def allows(self, *, rows: int, depth: int, length: int, scored: int) -> bool:
        """Whether ``rows`` rows of ``length`` tokens behind a prefix of ``depth`` may be computed at once."""
        keys = depth + length
        if rows * length > self.most_tokens:
            return False
        passing = self.shape.passing(rows, length, keys, masked=True)
        return self.shape.kept(2 * depth) + max(passing, self.shape.outputs(scored)) <= self.limit

    def row_limit(self) -> RowLimit:
        """How long one row may become."""
        longest = 1
        while self.allows(rows=1, depth=0, length=2 * longest, scored=0):
            longest *= 2
        scored = self.limit // self.shape.outputs(1)
        return RowLimit(usual=usual_length(self.shape.hidden), at_most=longest, scored_at_most=scored)

    def batches(self, group: Group, before: tuple[Tokens, ...] = ()) -> Iterator[Batch]:
        """All batches of a plan, those behind the same prefix in a row.

        Args:
            group: the plan, or a part of it.
            before: the parts of its prefix that the groups above it hold.
        """
        prefixes = (*before, group.prefix) if len(group.prefix) else before
        for rows in self._cut(group):
            yield Batch(prefixes, group.depth, tuple(rows))
        for child in group.children:
            yield from self.batches(child, prefixes)

    def _cut(self, group: Group) -> Iterator[list[Row]]:
        """Yield a group's rows, the longest first, cut into batches of nearly equal lengths."""
        batch: list[Row] = []
        for row in sorted(group.rows, key=lambda row: -row.length):
            scored = sum(member.scored for member in [*batch, row])
            length = max(member.length for member in [*batch, row])
            if batch and not self.allows(rows=len(batch) + 1, depth=group.depth, length=length, scored=scored):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch


def stock_budget(shape: ModelShape, *, batch_size: int, longest: int, device: str) -> Budget:
    """Return what plain lm-eval takes for a batch of the longest requests: all keys and values, and all outputs twice.

    Args:
        shape: the model's.
        batch_size: lm-eval's.
        longest: tokens of the longest request.
        device: its torch type.
    """
    tokens = batch_size * longest
    passing = shape.passing(batch_size, longest, longest, masked=False)
    limit = shape.kept(tokens) + max(passing, shape.outputs(tokens))
    most = MOST_TOKENS.get(device, MOST_TOKENS_ELSEWHERE)
    return Budget(shape, limit, most_tokens=most if shape.grows else min(most, tokens))


def model_shape(model: Any) -> ModelShape:
    """Read the sizes from a transformers model."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    experts = getattr(config, "num_experts_per_tok", None)
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    eager = config._attn_implementation == "eager"
    return ModelShape(
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        inner=inner * (experts or 1),
        query_width=heads * width,
        key_width=(getattr(config, "num_key_value_heads", None) or heads) * width,
        vocabulary=model.get_output_embeddings().weight.shape[0],
        itemsize=model.dtype.itemsize,
        score_heads=heads if eager else 0,
        grows=experts is None,
    )
