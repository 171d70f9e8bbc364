"""Models behind a server: what they need that others must not have, the network and a key."""

from __future__ import annotations

from collections.abc import Mapping

from benchy.config import BenchmarkConfig
from benchy.model_files import loads_weights

KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TEXTSYNTH_API_SECRET_KEY")
"""The variables in which lm-eval's model types look for one."""


def goes_offline(config: BenchmarkConfig) -> bool:
    """Whether the worker's container is cut off from the network once all is there."""
    return config.container.sandbox and loads_weights(config.model)


def server_keys(config: BenchmarkConfig, environment: Mapping[str, str]) -> dict[str, str]:
    """The keys in an environment, by their names; none for a model whose own code could read them."""
    return {} if loads_weights(config.model) else {name: environment[name] for name in KEYS if name in environment}
