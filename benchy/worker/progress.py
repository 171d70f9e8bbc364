"""Turns the progress bars of every library in this process into protocol events."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchy.protocol import Progress
from benchy.worker.harness.patching import replaced

MIN_SECONDS_BETWEEN_EVENTS = 0.2


def redirect_progress_bars(emit: Callable[[Progress], None]) -> None:
    """Send what tqdm would draw to ``emit``, at most five times a second a bar, the last state always.

    lm-eval, datasets, transformers and huggingface_hub all draw with subclasses of ``tqdm.std.tqdm``, whose
    ``display`` is the one place where a bar is drawn. A bar that nobody named tells nobody anything: it is not sent.
    """
    bar = _tqdm()
    draw_init = bar.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs["file"] = io.StringIO()
        draw_init(self, *args, **kwargs)

    def display(self: Any, msg: str | None = None, pos: int | None = None) -> bool:  # noqa: ARG001 - tqdm's signature
        now = time.monotonic()
        closing = self.disable  # tqdm's `close` disables a bar, and then draws its last state
        label = self.desc.rstrip(": ") or getattr(self, "given_name", "")
        if label and (closing or now - getattr(self, "sent_at", 0.0) >= MIN_SECONDS_BETWEEN_EVENTS):
            self.sent_at = now
            emit(_progress(self.format_dict, label))
        return True

    bar.__init__ = init
    bar.display = display


@contextmanager
def bars_named(label: str) -> Iterator[None]:
    """Call bars so that have no name of their own."""
    with replaced(_tqdm(), given_name=label):
        yield


@contextmanager
def bars_hidden() -> Iterator[None]:
    """Show none: who calls knows better how far the work is."""
    with replaced(_tqdm(), display=lambda *_args, **_kwargs: True):
        yield


def _tqdm() -> Any:
    import tqdm.std

    return tqdm.std.tqdm


def _progress(state: dict[str, Any], label: str) -> Progress:
    done, total, seconds = float(state["n"]), state["total"], float(state["elapsed"] or 0.0)
    rate = state["rate"] or (done / seconds if seconds and done else None)
    left = (total - done) / rate if total is not None and rate else None
    return Progress(
        label=label,
        done=done,
        total=total,
        unit=str(state["unit"]).strip() or "it",
        rate=rate,
        seconds_left=left,
    )
