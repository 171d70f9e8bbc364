"""LoadedModel: what Benchy asks of a loaded model beside lm-eval's interface, answered for a type that is not known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from benchy.backends import Backend
from benchy.errors import ModelTestFailed
from benchy.record import Scoring
from benchy.worker.backends.texts import clean_texts

CONTINUATION = " I am"
"""What is scored of a model that does not show its logits."""


@dataclass(frozen=True)
class Unseen:
    """What a server's last answer holds beside the text that lm-eval reads."""

    reasoning: str = ""
    tokens: int = 0
    """How many it says that it generated."""


@dataclass(frozen=True)
class Measured:
    """What is known of a model's weights once they are loaded; nothing of those of another process."""

    parameters: int | None = None
    bytes_by_dtype: Mapping[str, int] = field(default_factory=dict)
    device: str | None = None

    @property
    def size_bytes(self) -> int | None:
        """All weights together."""
        return sum(self.bytes_by_dtype.values()) if self.bytes_by_dtype else None

    @property
    def dtype(self) -> str | None:
        """That of the most bytes."""
        return Counter(self.bytes_by_dtype).most_common(1)[0][0] if self.bytes_by_dtype else None


class LoadedModel:
    """A model of which lm-eval's interface alone is known. A back end that says more has a subclass."""

    batched: ClassVar[bool] = False
    """Whether it answers in batches in this process, as lm-eval's Hugging Face models do: of a size that is found,
    and halved where the memory does not suffice."""
    requests_at_once: ClassVar[int | None] = 1024
    """How many requests it is asked at a time; None where it says each answer as it has it. A model type that answers
    all that it is asked before it says one loses as many in a crash at most."""
    must_speak: ClassVar[bool] = False
    """Whether it is broken if it does not generate, also where no benchmark asks for that."""
    takes_messages: bool = False
    """Whether it takes messages only, and no plain text."""
    reads_last_scored: bool = True
    """Whether it reads the last token of a continuation, which it scores."""
    is_seq2seq: bool = False
    """Whether an encoder reads the context by itself."""
    non_finite_hint: ClassVar[str] = "look at the server's log: it computes numbers that are none"
    """What to do where a log-likelihood is no number."""

    def __init__(self, lm: Any, backend: Backend) -> None:
        """Take lm-eval's model object, and the row of its back end."""
        self.lm = lm
        self.backend = backend

    def prepare(self) -> None:
        """Change the new object: what it generates from now on is clean."""
        clean_texts(self.lm)

    @property
    def scoring(self) -> Scoring | None:
        """How it computes log-likelihoods; None if another process does."""
        return None

    def prompt(self, text: str, *, chat: bool) -> Any:
        """Return a text as the evaluation will ask it: as it is, in the chat template, or as a message."""
        if chat or self.takes_messages:
            return self.lm.apply_chat_template([{"role": "user", "content": text}])
        return text

    def refuse_broken(self, text: str, prompt: Any, *, scored: bool) -> None:  # noqa: ARG002 - others look at the prompt
        """Refuse a model that computes no numbers.

        Args:
            text: what is said to it.
            prompt: the same as the evaluation asks it.
            scored: a benchmark asks for log-likelihoods.

        Raises:
            ModelTestFailed: it is broken.
        """
        if scored:
            self._require_log_likelihood(text)

    def proves_life(self, prompt: Any) -> bool:
        """Return whether it works though it said nothing: its log-likelihoods are numbers. A server gives no proof.

        Raises:
            ModelTestFailed: they are none.
        """
        if self.backend.loads_weights:
            self._require_log_likelihood(prompt)
        return self.backend.loads_weights

    def _require_log_likelihood(self, prompt: Any) -> None:
        from lm_eval.api.instance import Instance

        asked = Instance(request_type="loglikelihood", doc={}, arguments=(prompt, CONTINUATION), idx=0)
        (score, _), *_ = self.lm.loglikelihood([asked])
        if not math.isfinite(score):
            raise ModelTestFailed(f"the log-likelihood of {CONTINUATION!r} after {prompt!r} is {score}")

    @contextmanager
    def overhearing(self) -> Iterator[Callable[[], Unseen]]:
        """Keep what a server answers inside; gives a function that looks at the last answer."""
        yield Unseen

    def measured(self) -> Measured:
        """Return what is known of its weights."""
        return Measured()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, or words where the tokenizer is not known."""
        return len(text.split())

    def repeated_bos(self, text: str) -> str | None:  # noqa: ARG002
        """Return the token with which a prompt begins twice; None if it does not, or if that is not known."""
        return None

    def most_generated(self, arguments: Mapping[str, Any]) -> int:
        """Return how many tokens a request with these arguments generates at most."""
        return int(arguments.get("max_gen_toks", self.lm._max_gen_toks))
