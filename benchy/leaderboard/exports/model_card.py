"""Offers a run's scores to the model's own repository, in the form that the Hub shows on the model's page.

Form: https://huggingface.co/docs/hub/eval-results. The Hub knows a score by the data set and the task that the data set
names in its own ``eval.yaml``; a score without one is left out, and the log says so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from benchy import hub
from benchy.leaderboard.exports.base import Publication
from benchy.leaderboard.exports.every_eval_ever import hub_data_set
from benchy.leaderboard.exports.hub_benchmarks import HubBenchmarks, NotABenchmark
from benchy.record import BenchmarkResult, RunRecord
from benchy.results.conditions import headline

if TYPE_CHECKING:
    from huggingface_hub import HfApi

FOLDER = ".eval_results"

_log = logging.getLogger(__name__)


def offer(publication: Publication, leaderboard: str, page: str, api: HfApi) -> str | None:
    """Open a pull request with the scores, unless there is one of this run already.

    Args:
        publication: the run.
        leaderboard: ``org/name`` of the data set that holds it.
        page: the data set's address.
        api: a client whose token may open pull requests.

    Returns:
        The address of the pull request; None where nothing is to be offered: of a test, of a model that is not on the
        Hub, of benchmarks that the Hub does not know.

    Raises:
        huggingface_hub's and httpx2's errors: as they come.
    """
    record = publication.record
    if record.is_test or record.model is None or record.model.source != "hub":
        return None
    entries = list(_entries(publication, leaderboard, page, HubBenchmarks(api, publication.aside)))
    if not entries:
        return None
    model, title = record.model.name, f"Scores of {record.run_name} from {leaderboard}"
    return hub.retried(lambda: _find(model, title, api) or _open(model, title, _to_yaml(entries), record, api))


def _entries(publication: Publication, leaderboard: str, page: str, known: HubBenchmarks) -> Iterator[dict[str, Any]]:
    """Yield the headline metric of each benchmark that the Hub knows as one; the log names the others."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    record = publication.record
    assert record.evaluation is not None  # noqa: S101 - of what is published
    configs = _read_configs(publication.files[record.evaluation.results_file])
    for part in record.evaluation.benchmarks:
        config = configs.get(part.name, {})
        repository = hub_data_set(config)
        if repository and part.metrics and headline(part).value is not None:
            try:
                task = known.task(repository, config)
            except NotABenchmark as error:
                _log.warning("The score of %s is not offered to the model: %s %s", part.name, repository, error)
                continue
            entry = EvalResultEntry(
                dataset_id=repository,
                task_id=task.id,
                value=headline(part).value,
                dataset_revision=record.data_sets.get(repository),
                date=(record.ended_at or record.started_at).isoformat(),
                source_url=page,
                source_name=leaderboard,
                source_org=leaderboard.partition("/")[0],
                notes=_notes(part, record),
            )
            (offered,) = eval_result_entries_to_yaml([entry])
            yield offered | ({"evaluation_framework": task.framework} if task.framework else {})


def _notes(part: BenchmarkResult, record: RunRecord) -> str:
    metric = headline(part)
    name = metric.name if metric.filter == "none" else f"{metric.name} ({metric.filter})"
    version = record.environment.packages.get("lm_eval", "") if record.environment else ""
    commit = (record.model and record.model.commit) or ""
    return f"{part.name}: {name}, {part.num_fewshot}-shot, lm-eval {version}, model at {commit[:8]}"


def _read_configs(results: bytes | Path) -> Mapping[str, Any]:
    content = results if isinstance(results, bytes) else results.read_bytes()
    configs: Mapping[str, Any] = json.loads(content).get("configs", {})
    return configs


def _to_yaml(entries: list[dict[str, Any]]) -> bytes:
    return yaml.safe_dump(entries, sort_keys=False).encode()


def _find(model: str, title: str, api: HfApi) -> str | None:
    """Also one that was closed: its owner did not want it."""
    requests = api.get_repo_discussions(model, discussion_type="pull_request")
    return next((request.url for request in requests if request.title == title), None)


def _open(model: str, title: str, content: bytes, record: RunRecord, api: HfApi) -> str | None:
    from huggingface_hub import CommitOperationAdd

    operation = CommitOperationAdd(f"{FOLDER}/benchy_{record.run_id}.yaml", content)
    return api.create_commit(model, [operation], commit_message=title, create_pr=True).pr_url
