"""An lm-eval model type that answers at once, so that only what is around a model takes time: ``constant``."""

from __future__ import annotations

from typing import Any

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model


@register_model("constant")
class ConstantLM(LM):  # type: ignore[misc]
    """Every continuation is as likely as any other."""

    def __init__(self, **_arguments: Any) -> None:
        super().__init__()

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:  # noqa: ARG002
        """One answer a request."""
        return [(-1.0, False)] * len(requests)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:  # noqa: ARG002
        """One answer a request."""
        return [-1.0] * len(requests)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:  # noqa: ARG002
        """One answer a request."""
        return ["nothing"] * len(requests)
