"""Changes to a config from the command line or the Prefect UI."""

from __future__ import annotations

from benchy.config.benchmark import BenchmarkConfig
from benchy.config.loading import parse_config, require_tasks_given

_FIX_OPTION = "fix the option, or what it is to change in the file"


def with_overrides(
    config: BenchmarkConfig,
    *,
    limit: float | None = None,
    tasks: str | list[str] | None = None,
    gpus: list[int | str] | None = None,
    model: str | None = None,
) -> BenchmarkConfig:
    """Return this configuration with what was given on the command line or in the Prefect UI.

    GPUs are given to be used: with them, ``evaluation.device: cpu`` becomes ``cuda``.

    Raises:
        ConfigError: the result is not a valid configuration.
    """
    data = config.model_dump(mode="json")
    if limit is not None:
        data["evaluation"]["limit"] = int(limit) if float(limit).is_integer() else limit
    if tasks is not None:
        data["evaluation"]["tasks"] = tasks
    if gpus is not None:
        data["gpus"] = gpus
        if gpus and config.evaluation.device == "cpu":
            data["evaluation"]["device"] = "cuda"
    if model is not None:
        data["model"]["name"] = model
    changed = parse_config(data, source="with the options given", hint=_FIX_OPTION)
    return require_tasks_given(changed, source="with the options given", hint=_FIX_OPTION)
