"""Says in words what differs between two columns of one benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchy.record import Questions
from benchy.results.conditions import Below, Conditions

NAMES_TOLD = 3
"""How many benchmarks below a group are named where they differ."""
HASHED = "sha256:"


def differences(
    one: Conditions, other: Conditions, asked: Questions | None, before: Questions | None
) -> tuple[str, ...]:
    """Return what ``one`` is and ``other`` is not.

    Args:
        one: the conditions that are described.
        other: those that they are held against, of the same benchmark.
        asked: what was asked under the first.
        before: what was asked under the others.
    """
    return (
        *_of_conditions(one, other),
        *_of_questions(one, other, asked, before),
        *_of_members(one.below, other.below),
    )


def _of_conditions(one: Conditions, other: Conditions) -> Iterator[str]:
    texts = {
        "version {}": "version",
        "{}-shot": "num_fewshot",
        "{:,} documents": "documents",
        "metric {}": "metric",
        "filter {}": "filter",
        "lm-eval {}": "lm_eval",
        "few-shot seed {}": "fewshot_seed",
    }
    for text, name in texts.items():
        new, old = getattr(one, name), getattr(other, name)
        if new != old and new is not None:
            yield text.format(new) + (
                f", not {old:,}" if name == "documents" else f", not {old}" if old is not None else ""
            )
    if one.settings != other.settings:
        yield f"settings {one.settings or 'of its own'}"


def _of_questions(
    one: Conditions, other: Conditions, asked: Questions | None, before: Questions | None
) -> Iterator[str]:
    if (asked is None) != (before is None):
        yield "no digest of its questions" if asked is None else "with a digest of its questions"
    if asked is None or before is None:
        return
    if asked.documents != before.documents and one.documents == other.documents and not one.below:
        yield "other documents or gold answers"
    if asked.examples != before.examples and asked.examples and before.examples:
        yield "other documents to draw worked examples from"
    yield from _of_settings(asked.settings, before.settings)


def _of_settings(asked: Mapping[str, str], before: Mapping[str, str]) -> Iterator[str]:
    """``num_fewshot`` was told before."""
    for name in sorted({*asked, *before} - {"num_fewshot"}):
        new, old = asked.get(name), before.get(name)
        if new != old:
            yield _changed(name, new, old)


def _changed(name: str, new: str | None, old: str | None) -> str:
    if new is None:
        return f"without {name}"
    if new.startswith(HASHED) or (old or "").startswith(HASHED):
        return f"another {name}"
    return f"{name} {new}" + (f", not {old}" if old is not None else "")


def _of_members(one: tuple[Below, ...], other: tuple[Below, ...]) -> Iterator[str]:
    before = {part.name: part for part in other}
    changed = [part.name for part in one if part != before.pop(part.name, None)]
    changed += list(before)
    if changed:
        more = f" and {len(changed) - NAMES_TOLD} more" if len(changed) > NAMES_TOLD else ""
        yield f"below it {', '.join(changed[:NAMES_TOLD])}{more} differ" + ("s" if len(changed) == 1 else "")
