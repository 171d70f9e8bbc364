"""Shows what building the benchmarks found: how much is asked of the model, and one whole prompt of each."""

from __future__ import annotations

from collections.abc import Iterator

from benchy.plain_text import plain, plain_line
from benchy.record import Built, BuiltBenchmark

MOST_CHOICES = 10


def built_lines(built: Built) -> Iterator[str]:
    """Give the lines for a terminal."""
    for benchmark in built.benchmarks:
        yield _counts(benchmark)
        yield from _warnings(benchmark)
        yield "   its first prompt, as the model will see it:"
        yield from (f"   | {line}" for line in plain(benchmark.prompt).split("\n"))
        if benchmark.continuations:
            one_of = " one of" if len(benchmark.continuations) > 1 else ""
            yield f"   and after it{one_of}: {_choices(benchmark.continuations)}"


def _counts(benchmark: BuiltBenchmark) -> str:
    tokens = benchmark.longest_prompt
    longest = "" if tokens is None else f", longest prompt {_many(tokens, 'token')}"
    return (
        f"{plain_line(benchmark.name)}: {_many(benchmark.documents, 'document')}, {_many(benchmark.shots, 'shot')}, "
        f"{_many(benchmark.requests, 'request')}{longest}"
    )


def _warnings(benchmark: BuiltBenchmark) -> Iterator[str]:
    if benchmark.leaked:
        yield f"   ⚠️ in {_many(benchmark.leaked, 'prompt')} a few-shot example holds the question itself"
    if benchmark.without_gold:
        yield f"   ⚠️ in {_many(benchmark.without_gold, 'document')} the gold answer is none of the choices"


def _choices(choices: tuple[str, ...]) -> str:
    more = f" and {len(choices) - MOST_CHOICES:,} more" if len(choices) > MOST_CHOICES else ""
    return ", ".join(plain_line(repr(choice)) for choice in choices[:MOST_CHOICES]) + more


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
