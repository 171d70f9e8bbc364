"""Turns the progress bars of every library in this process into protocol events."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from benchy.protocol import Progress

MIN_SECONDS_BETWEEN_EVENTS = 0.2


def redirect_progress_bars(emit: Callable[[Progress], None]) -> None:
    """Send what tqdm would draw to ``emit``, at most five times a second a bar, the last state always.

    lm-eval, datasets, transformers and huggingface_hub all draw with subclasses of ``tqdm.std.tqdm``, whose
    ``display`` is the one place where a bar is drawn.
    """
    import tqdm.std

    bar: Any = tqdm.std.tqdm
    draw_init = bar.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs["file"] = io.StringIO()
        draw_init(self, *args, **kwargs)

    def display(self: Any, msg: str | None = None, pos: int | None = None) -> bool:  # noqa: ARG001 - tqdm's signature
        now = time.monotonic()
        closing = self.disable  # tqdm's `close` disables a bar, and then draws its last state
        if closing or now - getattr(self, "sent_at", 0.0) >= MIN_SECONDS_BETWEEN_EVENTS:
            self.sent_at = now
            emit(_progress(self.format_dict, self.desc))
        return True

    bar.__init__ = init
    bar.display = display


def _progress(state: dict[str, Any], label: str) -> Progress:
    done, total, seconds = float(state["n"]), state["total"], float(state["elapsed"] or 0.0)
    rate = state["rate"] or (done / seconds if seconds and done else None)
    left = (total - done) / rate if total is not None and rate else None
    return Progress(
        label=label.rstrip(": ") or "working",
        done=done,
        total=total,
        unit=str(state["unit"]).strip() or "it",
        rate=rate,
        seconds_left=left,
    )
