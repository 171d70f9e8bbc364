"""What building a run's benchmarks shows before a model is there."""

from __future__ import annotations

from benchy.frozen import FrozenModel


class BuiltBenchmark(FrozenModel):
    """One benchmark with all its requests built."""

    name: str
    documents: int
    shots: int
    """Few-shot examples before each question."""
    requests: int
    """What the model will be asked, repeats included."""
    longest_prompt: int | None
    """Tokens of the longest prompt (with its choice, where there are choices); None if no tokenizer is known here."""
    prompt: str
    """The first one, whole, as the model will see it."""
    continuations: tuple[str, ...] = ()
    """The choices whose log-likelihoods are asked for after that prompt."""
    leaked: int = 0
    """In how many prompts a few-shot example holds the question itself."""
    without_gold: int = 0
    """In how many documents the gold answer is none of the choices."""


class Built(FrozenModel):
    """The answer to ``build``: every single benchmark of the config."""

    benchmarks: tuple[BuiltBenchmark, ...]
    data_sets: dict[str, str]
    """The version of each data set that was read, as in the record."""
