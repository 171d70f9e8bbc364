"""The whole pipeline against plain ``lm_eval run``: model test, evaluation, record and upload, under Prefect."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.commands import benchy, benchy_run, environment, lm_eval_run, prefect_server, write_config
from bench.figures import Figure, Goal, Spread, paired, skipped
from bench.usage import Usage, measure
from benchy import __version__

IMAGE = f"benchy-gpu:{__version__}"
TYPED_WRONG: dict[str, tuple[dict[str, Any], int]] = {
    "a key": ({"evaluation": {"batchsize": 16}}, 2),
    "a benchmark": ({"evaluation": {"tasks": "demo_acuracy"}}, 3),
    "the model": ({"model": {"name": "./configs/demo/modell"}}, 4),
}
"""What is misspelled: the config's sections, and the exit code that is expected."""


@dataclass(frozen=True)
class Bench:
    """Where one bench run works, and how often it repeats."""

    folder: Path
    pairs: int

    @property
    def log(self) -> Path:
        """The output of all commands."""
        return self.folder / "output.log"

    def run(self, command: list[str], env: dict[str, str], *, expect: int = 0, memory: bool = False) -> Usage:
        """Run a command once.

        Raises:
            RuntimeError: it ended with another exit code.
        """
        usage = measure(command, env=env, log=self.log, memory=memory)
        if usage.exit_code != expect:
            end = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{command} ended with {usage.exit_code}, not {expect}:\n{end}")
        return usage

    def fresh(self) -> Iterator[Path]:
        """Yield new folders, one after the other."""
        for number in itertools.count():
            folder = self.folder / f"fresh-{number}"
            folder.mkdir()
            yield folder


def first_run(bench: Bench) -> Iterator[Figure]:
    """Every cache is new: Prefect's database, the index of benchmarks, built data sets, lm-eval's too."""
    fresh = bench.fresh()
    ours, plain = [], []
    for _ in range(bench.pairs):
        plain.append(bench.run(lm_eval_run(bench.folder), environment(next(fresh))))
        ours.append(bench.run(benchy_run(bench.folder), environment(next(fresh))))
    yield from _times("first run, embedded server", ours, plain)


def warm_run(bench: Bench) -> Iterator[Figure]:
    """As people run it: caches are there, no server is configured."""
    env = environment(bench.folder)
    command = benchy_run(bench.folder)
    yield from _compared(bench, "warm run, embedded server", command, env, goal=1.0)
    plain = bench.run(lm_eval_run(bench.folder), env, memory=True).peak_bytes / 2**20
    ours = bench.run(command, env, memory=True).peak_bytes / 2**20
    yield paired("  peak memory", "MiB", [ours], [plain], note="all processes, Prefect's server among them")


def run_with_server(bench: Bench) -> Iterator[Figure]:
    """Yield a Prefect server is up already."""
    env = environment(bench.folder)
    with prefect_server(env, bench.log) as api:
        env = environment(bench.folder, PREFECT_API_URL=api)
        yield from _compared(
            bench, "run with a server up", benchy_run(bench.folder), env, goal=0.6, note="CPU without the server's"
        )


def docker_run(bench: Bench) -> Iterator[Figure]:
    """Yield the worker in a container, where an engine answers and has the image."""
    what = "run with the docker runtime"
    if reason := _no_docker_because():
        yield skipped(what, reason)
    else:
        command = benchy_run(bench.folder, runtime="docker")
        note = "CPU without the container's"
        yield from _compared(bench, what, command, environment(bench.folder), note=note)


def refusals(bench: Bench) -> Iterator[Figure]:
    """How long somebody waits who made a mistake; plain lm-eval is asked for the misspelled benchmark."""
    env = environment(bench.folder)
    bench.run(benchy("check", str(write_config(bench.folder))), env)  # makes the index of benchmarks
    for what, (sections, code) in TYPED_WRONG.items():
        command = benchy("run", str(write_config(bench.folder, **sections)))
        ours = [bench.run(command, env, expect=code).wall_seconds for _ in range(bench.pairs)]
        yield Figure(f"refusal: {what} misspelled", "s", Spread.of(ours), note=f"exit code {code}")
    command = lm_eval_run(bench.folder, tasks="demo_acuracy")
    plain = [bench.run(command, env, expect=1).wall_seconds for _ in range(bench.pairs)]
    yield Figure("refusal by lm_eval: a benchmark", "s", None, Spread.of(plain), note="for comparison")


def small_commands(bench: Bench) -> Iterator[Figure]:
    """Those that start nothing."""
    env = environment(bench.folder)
    bench.run(benchy("check", str(write_config(bench.folder))), env)  # makes the index of benchmarks
    for arguments in (("--help",), ("check", str(write_config(bench.folder)))):
        used = [bench.run(benchy(*arguments), env) for _ in range(bench.pairs)]
        name = f"benchy {arguments[0]}"
        yield Figure(name, "s", Spread.of([one.wall_seconds for one in used]), goal=Goal(0.5, "ours"))
        yield Figure("  CPU", "s", Spread.of([one.cpu_seconds for one in used]))


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (
    first_run, warm_run, run_with_server, docker_run, refusals, small_commands,
)  # fmt: skip


def _compared(
    bench: Bench, what: str, command: list[str], env: dict[str, str], *, goal: float | None = None, note: str = ""
) -> Iterator[Figure]:
    """Pairs, after one of each that fills the caches."""
    plain_command = lm_eval_run(bench.folder)
    ours, plain = [], []
    for number in range(bench.pairs + 1):
        pair = bench.run(plain_command, env), bench.run(command, env)
        if number:
            plain.append(pair[0])
            ours.append(pair[1])
    yield from _times(what, ours, plain, goal=goal, note=note)


def _times(
    what: str, ours: list[Usage], plain: list[Usage], *, goal: float | None = None, note: str = ""
) -> Iterator[Figure]:
    why = (
        "Prefect's client and server need CPU seconds of their own to import, and share the cores with the worker; "
        "the load average says whether others did too."
    )
    walls = ([one.wall_seconds for one in used] for used in (ours, plain))
    seconds = ([one.cpu_seconds for one in used] for used in (ours, plain))
    yield paired(what, "s", *walls, goal=goal, if_missed=why)
    yield paired("  CPU", "s", *seconds, note=note)


def _no_docker_because() -> str | None:
    import docker
    from docker.errors import DockerException, ImageNotFound

    try:
        docker.from_env().images.get(IMAGE)
    except ImageNotFound:
        return f"the engine has no image {IMAGE}; docs/gpu-server.md says how to build it"
    except DockerException:
        return "no Docker engine answers"
    return None
