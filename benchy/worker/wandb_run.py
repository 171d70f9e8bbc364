"""Shows a finished run at Weights & Biases, with lm-eval's own logger.

It runs after the upload, in a worker of its own: the evaluation's container has no network, and model code must not see
the key. The logger wants what lm-eval held in memory; its files hold the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchy.config import WANDB_KEY
from benchy.errors import AccessDenied, UploadFailed
from benchy.protocol import LogToWandb, WandbAccess
from benchy.record import RunRecord, WandbRun, with_source
from benchy.results.finished import require_file, require_scores
from benchy.results.samples import read_samples
from benchy.wandb_access import require_wandb_package
from benchy.worker.failures import failing_as

CONNECT_SECONDS = 30
FOLDER = "wandb"
"""In the run's folder: what wandb keeps of its own."""
_HINT = f"check {WANDB_KEY} and the network, or set WANDB_MODE=offline"


def log_to_wandb(request: LogToWandb) -> WandbRun:
    """Log scores and samples; the same run again goes on in the same place.

    Raises:
        ConfigError: wandb is not installed here.
        UploadFailed: the run has no scores, or Weights & Biases cannot be reached.
        AccessDenied: it does not accept the key.
    """
    require_wandb_package()
    folder = Path(request.run_folder)
    record = request.record
    require_scores(record)
    assert record.evaluation is not None  # noqa: S101 - just checked
    results = json.loads(require_file(folder, record.evaluation.results_file).read_bytes())
    samples = dict(_samples(folder, record, results)) if request.samples else {}
    with failing_as(UploadFailed, "Weights & Biases"), _naming_failures(request.access):
        return _log(request, record, results, samples)


def _log(
    request: LogToWandb, record: RunRecord, results: dict[str, Any], samples: dict[str, list[dict[str, Any]]]
) -> WandbRun:
    """Return what `lm_eval run --wandb_args` does."""
    place = Path(request.run_folder) / FOLDER
    os.environ |= {"WANDB_DATA_DIR": str(place), "WANDB_CACHE_DIR": str(place), "WANDB_ERROR_REPORTING": "false"}
    from lm_eval.loggers import WandbLogger

    logger = WandbLogger(_arguments(request, record, place.parent), {"model": record.model_label})
    try:
        logger.post_init(results)
        logger.log_eval_result()
        if samples:
            logger.log_eval_samples(samples)
    finally:
        logger.run.finish()
    is_online = request.access.mode == "online"
    return WandbRun(url=logger.run.url) if is_online else WandbRun(folder=str(Path(logger.run.dir).parent))


def _arguments(request: LogToWandb, record: RunRecord, folder: Path) -> dict[str, Any]:
    """Of ``wandb.init``, which by itself would also send facts of this machine, its terminal and git."""
    import wandb

    access = request.access
    settings = wandb.Settings(
        api_key=access.api_key, base_url=access.base_url, init_timeout=CONNECT_SECONDS, console="off", silent=True,
        host="", save_code=False, disable_git=True, x_disable_meta=True, x_disable_stats=True,
    )  # fmt: skip
    again = {"resume": "allow"} if access.mode == "online" else {}
    own = {
        "id": record.run_id,
        "name": with_source(record.run_name, record.model.source if record.model else None),
        "dir": str(folder),
        "mode": access.mode,
        "settings": settings,
    }
    return request.config.model_dump() | own | again


def _samples(folder: Path, record: RunRecord, results: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each benchmark's samples in the form that they had before ``EvaluationTracker.save_results_samples``."""
    for part in record.evaluation.benchmarks if record.evaluation else ():
        if part.samples_file:
            are_texts = results["configs"][part.name]["output_type"] == "generate_until"
            lines = read_samples(require_file(folder, part.samples_file))
            yield part.name, [_in_memory(sample, are_texts=are_texts) for sample in lines]


def _in_memory(sample: dict[str, Any], *, are_texts: bool) -> dict[str, Any]:
    answers = {} if are_texts else {name: _as_numbers(sample[name]) for name in ("resps", "filtered_resps")}
    return sample | {"arguments": [tuple(request.values()) for request in sample["arguments"].values()]} | answers


def _as_numbers(value: Any) -> Any:
    """``[["-1.5", "True"]]`` to ``[[-1.5, True]]``; what is no number (a filter's own word) stays text."""
    if isinstance(value, list):
        return [_as_numbers(part) for part in value]
    if value in {"True", "False"}:
        return value == "True"
    try:
        return float(value)
    except ValueError:
        return value


@contextmanager
def _naming_failures(access: WandbAccess) -> Iterator[None]:
    import wandb

    try:
        yield
    except wandb.errors.AuthenticationError as error:
        raise AccessDenied(f"Weights & Biases at {access.base_url} does not accept the key", hint=_HINT) from error
    except wandb.errors.Error as error:
        reason = " ".join(str(error).split())[:300]
        raise UploadFailed(f"Weights & Biases at {access.base_url}: {reason}", hint=_HINT, transient=True) from error
