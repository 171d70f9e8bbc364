"""What a person reads of one document: its prompt, the choices or the answer, and what would have been right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchy.plain_text import plain, plain_line
from benchy.results.samples import choices_of, prompt_of

LONGEST_PROMPT = 2_000
"""Characters of a prompt's end that are shown: the question comes last."""


def sample_lines(sample: Mapping[str, Any], metric: str) -> Iterator[str]:
    """Yield the lines of one document; an arrow stands before what the model answered, or found most likely.

    Args:
        sample: a line of lm-eval's samples file.
        metric: whose score of the document is told.
    """
    yield f"document {sample['doc_id']}: {metric} {sample.get(metric)}"
    prompt = prompt_of(sample)
    cut = "… " if len(prompt) > LONGEST_PROMPT else ""
    yield from (f"   | {line}" for line in plain(cut + prompt[-LONGEST_PROMPT:]).splitlines())
    choices = choices_of(sample)
    if choices:
        scores = [float(answers[0][0]) for answers in sample["resps"]]
        best = max(range(len(scores)), key=scores.__getitem__)
        for index, (choice, score) in enumerate(zip(choices, scores, strict=False)):
            yield f"   {'→' if index == best else ' '} {score:9.3f} {plain_line(repr(choice))}"
    else:
        yield from (f"   → {plain_line(str(answer))}" for answers in sample["resps"] for answer in answers)
    yield f"   gold: {plain_line(_gold(str(sample['target']), choices))}"


def _gold(target: str, choices: Sequence[str]) -> str:
    """Return the gold answer; of the number of a choice the choice too."""
    is_number = target.isdecimal() and len(target) < 6 and int(target) < len(choices)
    return f"{target} ({choices[int(target)]!r})" if is_number else target
