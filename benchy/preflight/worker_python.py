"""Checks the Python of another environment before a worker is started with it: is it one, and has it what is needed?"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Any

from packaging.version import Version

from benchy.backends import Backend, find_backend
from benchy.config import BenchmarkConfig
from benchy.errors import ConfigError, ModelLoadError, WrongVersion
from benchy.protocol import Hello
from benchy.runtimes.passed_on import passed_on
from benchy.worker_python import VARIABLE, in_environment_of, other_python

OLDEST = (3, 11)
"""As in pyproject.toml."""
SECONDS = 60.0
"""A Python that has said nothing for so long is taken for none; on a loaded machine it takes three seconds."""
MODULES = ("benchy", "torch", "transformers", "lm_eval", "datasets", "accelerate", "pyarrow")
"""What each worker imports."""
_PROBE = """\
import json, sys
said = {"python": list(sys.version_info[:3])}
if sys.version_info >= (3, 11):
    import importlib.metadata, importlib.util
    sys.path[:] = [path for path in sys.path if path]
    modules, packages = json.loads(sys.argv[1])
    said["missing"] = [name for name in modules if importlib.util.find_spec(name) is None]
    said["versions"] = {}
    for name in packages:
        try:
            said["versions"][name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    if "benchy" not in said["missing"]:
        import benchy
        said["version"] = getattr(benchy, "__version__", "0")
        try:
            import benchy.protocol
            said["protocol"] = benchy.protocol.PROTOCOL
        except ModuleNotFoundError as error:
            said["missing"].append(error.name)
        except AttributeError:
            said["protocol"] = 0
sys.stdout.write("\\n" + json.dumps(said))
"""
"""Any Python since 2.7 understands it. Like a worker, it does not look for packages in the current folder."""


@dataclass(frozen=True)
class Found:
    """What a Python says of itself."""

    python: tuple[int, ...]
    missing: tuple[str, ...] = ()
    """Of the modules that a worker imports."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of the packages that were asked for, as far as they are there."""
    version: str = "0"
    """Benchy's."""
    protocol: int = 0
    """The number of its messages."""


def check_worker_python(config: BenchmarkConfig) -> bool:
    """Check the Python that the config or the host names for the model's worker; return whether one does.

    Raises:
        ConfigError: it is not there, no Python, too old, or lacks a package.
        WrongVersion: its Benchy or its lm-eval is of another version than this one.
        ModelLoadError: it lacks the back end's package, or has an old one.
    """
    python = other_python(config.worker.python)
    if python is None:
        return False
    key = "worker.python" if config.worker.python else VARIABLE
    backend = find_backend(config.model.backend)
    found = _ask(python, key, ["lm_eval", *filter(None, [backend.package])])
    _require_modules(python, key, found)
    _require_versions(python, found)
    _require_backend(python, found, backend)
    return True


def _ask(python: str, key: str, packages: list[str]) -> Found:
    program = shutil.which(python)
    if program is None:
        hint = f"name the Python of an environment with Benchy (`make vllm` makes .venv-vllm/bin/python), or drop {key}"
        raise ConfigError(f'{key}: there is no program "{python}"', hint=hint)
    variables = in_environment_of(python, passed_on(os.environ, ()))
    command = [program, "-c", _PROBE, json.dumps([MODULES, packages])]
    try:
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=SECONDS, check=False)
        return _found(json.loads(done.stdout.strip().rpartition("\n")[2]))
    except subprocess.TimeoutExpired as error:
        raise _no_python(python, key, f"it said nothing for {SECONDS:.0f} seconds") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _no_python(python, key, str(error)) from error
    except (ValueError, TypeError, KeyError) as error:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise _no_python(python, key, *said) from error


def _found(said: dict[str, Any]) -> Found:
    missing = tuple(said.pop("missing", ()))
    return Found(python=tuple(said.pop("python")), missing=missing, **said)


def _no_python(python: str, key: str, *said: str) -> ConfigError:
    because = f" ({said[0]})" if said else ""
    return ConfigError(f'{key}: "{python}" is no Python that works{because}', hint=f"name another one, or drop {key}")


def _require_modules(python: str, key: str, found: Found) -> None:
    if found.python[:2] < OLDEST:
        is_old = f'{key}: "{python}" is Python {_dotted(found.python)}, and Benchy needs {_dotted(OLDEST)}'
        raise ConfigError(is_old, hint="make the environment with a newer Python")
    if found.missing:
        lacks = f'{key}: the environment of "{python}" lacks {", ".join(found.missing)}'
        raise ConfigError(lacks, hint=f"`{python} -m pip install .` in Benchy's folder installs what a worker needs")


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _require_versions(python: str, found: Found) -> None:
    """Refuse another Benchy, whose messages differ, and another harness, whose scores do."""
    own, hint = Hello(), f"`{python} -m pip install .` in the folder of this Benchy"
    if (found.version, found.protocol) != (own.version, own.protocol):
        other = f'"{python}" has Benchy {found.version} (protocol {found.protocol})'
        raise WrongVersion(f"{other}, and this is Benchy {own.version} (protocol {own.protocol})", hint=hint)
    here, there = _version_here("lm_eval"), found.versions.get("lm_eval")
    if here is not None and here != there:
        raise WrongVersion(f'"{python}" has lm_eval {there}, and Benchy here {here}: scores would differ', hint=hint)


def _version_here(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _require_backend(python: str, found: Found, backend: Backend) -> None:
    if backend.package is None:
        return
    there, wanted = found.versions.get(backend.package), backend.minimum_version
    if there is not None and (wanted is None or Version(there) >= Version(wanted)):
        return
    needs = f'the back end "{backend.name}" needs {backend.package} {wanted or ""}'.rstrip()
    has = f"has {there}" if there else "does not have it"
    raise ModelLoadError(f'{needs}, and the environment of "{python}" {has}', hint=backend.how_to_get or "")
