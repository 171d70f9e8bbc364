"""What cannot work with the configured benchmarks: wrong YAML, data sets out of reach, code that runs unasked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchy import hub
from benchy.backends import find_backend
from benchy.benchmarks.files import hub_datasets, load_task, task_files
from benchy.benchmarks.index import index_tasks
from benchy.benchmarks.local_files import local_files
from benchy.benchmarks.own_files import own_files
from benchy.benchmarks.packages import require_packages, task_library
from benchy.benchmarks.task_checks import answer_too_long, mistakes_in
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, EvaluationFailed
from benchy.hub import Repo

AT_ONCE = 8
MOST_NAMED = 10
LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""lm-eval's words for the most tokens of an answer, the first that is given counts."""
CHAT_API = "chat-completions"
"""How the names of lm-eval's back ends end that talk to a chat API."""


Settings = Mapping[str, Mapping[str, Any]]
"""What each benchmark's YAML says, by its file."""


def check_benchmarks(config: BenchmarkConfig, *, has_own_packages: bool, has_own_files: bool = False) -> Settings:
    """Check all that can be known of the benchmarks before their data are fetched; return what their YAML says.

    Args:
        config: what is to be run.
        has_own_packages: whether the worker has other packages than this Python's, as those of an image.
        has_own_files: whether it sees those folders alone that the config names, as a container does.

    Raises:
        ConfigError: a YAML is wrong, two names hold one benchmark, a package is missing, the back end cannot answer
            what is asked, or a benchmark runs code that the model wrote.
        EvaluationFailed: a data set does not exist.
        AccessDenied: a data set is gated, or private.
        NetworkError: the Hub cannot be reached.
    """
    evaluation = config.evaluation
    index = index_tasks(evaluation.include_path)
    if index is None:
        return {}
    by_name = {name: set(task_files((name,), index)) for name in evaluation.tasks}
    _refuse_overlap(by_name)
    settings = {path: load_task(path) for path in sorted(set().union(*by_name.values()))}
    _refuse_mistakes(settings)
    _refuse_unsafe_code(config, list(settings.values()))
    _refuse_what_no_api_answers(config, settings)
    _refuse_thinking_choices(config, settings)
    if has_own_files:
        _require_in_sight(config, settings)
    if not has_own_packages:
        require_packages(settings)
    if not hub.is_offline():
        wanted = {(data.name, data.revision) for data in hub_datasets(list(settings.values()))}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_require_data_set, sorted(wanted)))
    return settings


def check_answer_lengths(config: BenchmarkConfig, settings: Settings, most: int) -> None:
    """Check that an answer of the longest allowed length leaves room for a prompt.

    Args:
        config: what is to be run.
        settings: what the benchmarks' YAML says.
        most: how many tokens a prompt and its answer have together, at most.

    Raises:
        ConfigError: a benchmark asks for answers as long as all that the model can hold, or longer.
    """
    asked = config.evaluation.gen_kwargs or {}
    for path, task in settings.items():
        own = task.get("generation_kwargs")
        tokens = _most_generated({**own, **asked} if isinstance(own, Mapping) else asked)
        if not _is_scored(task) and tokens is not None and tokens >= most:
            raise answer_too_long(f"{task.get('task')} ({path})", tokens, most)


def _most_generated(arguments: Mapping[str, Any]) -> int | None:
    """Read the limit of an answer as lm-eval's ``normalize_gen_kwargs`` does; None where it is left to the back end."""
    given = (arguments.get(word) for word in LIMITS)
    found = next((value for value in given if value is not None), None)
    return found if isinstance(found, int) else None


def _refuse_overlap(by_name: Mapping[str, set[str]]) -> None:
    """lm-eval refuses two names that hold one benchmark, once all is built."""
    counts = Counter(path for paths in by_name.values() for path in paths)
    twice = {path for path, count in counts.items() if count > 1}
    if twice:
        names = [name for name, paths in by_name.items() if paths & twice]
        smaller = min(names, key=lambda name: len(by_name[name]))
        raise ConfigError(
            f"evaluation.tasks: {' and '.join(names[:MOST_NAMED])} hold the same benchmarks ({len(twice):,} of them)",
            hint=f"drop {smaller}",
        )


def _refuse_mistakes(settings: Settings) -> None:
    mistakes = [mistake for path, task in settings.items() for mistake in mistakes_in(task, path)]
    if mistakes:
        more = [f"and {len(mistakes) - MOST_NAMED} more"] if len(mistakes) > MOST_NAMED else []
        raise ConfigError("\n  ".join([*mistakes[:MOST_NAMED], *more]), hint="fix the benchmark's YAML, then try again")


def _refuse_what_no_api_answers(config: BenchmarkConfig, settings: Settings) -> None:
    """Refuse what a chat API cannot do: it gives texts and no log-probabilities, and takes messages alone."""
    if find_backend(config.model.backend).loads_weights or not config.model.backend.endswith(CHAT_API):
        return
    scored = [str(task.get("task")) for task in settings.values() if _is_scored(task)]
    if scored:
        names = ", ".join(scored[:MOST_NAMED])
        raise ConfigError(
            f"a chat API ({config.model.backend}) gives no log-likelihoods, which {names} asks for",
            hint="choose benchmarks that generate text, or a server with local-completions",
        )
    if not config.evaluation.apply_chat_template:
        raise ConfigError(
            f"a chat API ({config.model.backend}) takes messages, and the prompts would be plain text",
            hint="set evaluation.apply_chat_template: true",
        )


def _refuse_thinking_choices(config: BenchmarkConfig, settings: Settings) -> None:
    """lm-eval refuses log-likelihoods of a model that thinks first, once it is loaded."""
    if not config.model.args.get("enable_thinking"):
        return
    if scored := [str(task.get("task")) for task in settings.values() if _is_scored(task)]:
        raise ConfigError(
            f"model.args.enable_thinking is set, and {', '.join(scored[:MOST_NAMED])} asks for log-likelihoods, "
            "before which no model can think",
            hint="drop enable_thinking, or choose benchmarks that generate text",
        )


def _is_scored(task: Mapping[str, Any]) -> bool:
    return "class" not in task and task.get("output_type", "generate_until") != "generate_until"


def _require_in_sight(config: BenchmarkConfig, settings: Settings) -> None:
    """Refuse files that no mount brings into a container: the worker would not find them."""
    seen = [Path(folder).absolute() for folder in config.evaluation.include_path]
    seen += [Path(path).parent.absolute() for task in config.evaluation.tasks for path in own_files(task)]
    seen += [Path(volume.partition(":")[0]) for volume in config.container.volumes]
    seen += [library] if (library := task_library()) else []
    for path, task in settings.items():
        for file in local_files(path):
            if not any(file.is_relative_to(folder) for folder in seen):
                raise ConfigError(
                    f"{task.get('task')} reads {file}, which the worker's container does not see",
                    hint=f'move it below evaluation.include_path, or set container.volumes: ["{file}:{file}:ro"]',
                )


def _require_data_set(wanted: tuple[str, str]) -> None:
    name, revision = wanted
    repo = Repo(name, "dataset", revision or None, EvaluationFailed)
    listing = hub.list_files(repo)
    if listing.files:
        path = "README.md" if "README.md" in listing.files else min(listing.files)
        hub.require_access(Repo(name, "dataset", listing.commit, EvaluationFailed), path)


def _refuse_unsafe_code(config: BenchmarkConfig, settings: list[dict[str, Any]]) -> None:
    unsafe = [str(task.get("task")) for task in settings if task.get("unsafe_code")]
    if unsafe and not config.evaluation.confirm_run_unsafe_code:
        raise ConfigError(
            f"{', '.join(unsafe)} runs code that the model writes, on this machine",
            hint="if that is all right here, set evaluation.confirm_run_unsafe_code: true",
        )
