"""Holds transformers' loaders to the run's model, whatever a benchmark's helper asks of them.

RULER's and BABILong's load the tokenizer of ``pretrained`` with ``trust_remote_code=True``, at no revision
(lm_eval/tasks/ruler/common_utils.py).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from benchy.errors import ModelLoadError
from benchy.worker.harness.patching import replaced

RESOLVER = "resolve_trust_remote_code"
"""What each loader of transformers asks whether code of a repository may run; each module imports it by its name."""
LOADERS = ("AutoConfig", "AutoTokenizer", "AutoProcessor")


_trusted = False
"""Whether code of a repository may run in this process."""


def hold_to_trust(trusted: bool) -> None:
    """From now on code of a repository runs in this process only if it is trusted, whoever asks for it.

    Who asks for it in vain gets transformers' own class; where there is none, transformers refuses.
    """
    global _trusted  # noqa: PLW0603 - it holds for the process, as what it patches does
    from transformers import dynamic_module_utils

    _trusted = trusted
    resolve = dynamic_module_utils.resolve_trust_remote_code
    if hasattr(resolve, "__wrapped__"):
        return
    held, load = _held_to_trust(resolve), dynamic_module_utils.get_class_in_module
    for name, module in list(sys.modules.items()):
        if name.startswith("transformers.") and RESOLVER in vars(module):
            setattr(module, RESOLVER, held)
    dynamic_module_utils.get_class_in_module = _refusing(load)


def _held_to_trust(resolve: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(resolve)
    def held(trust_remote_code: object, *args: Any, **kwargs: Any) -> Any:
        return resolve(trust_remote_code if _trusted else False, *args, **kwargs)

    return held


def _refusing(load: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a loader as the second wall, for ways into a repository's code that do not ask."""

    def refusing(class_name: str, module_path: object, **options: object) -> Any:
        if _trusted:
            return load(class_name, module_path, **options)
        raise ModelLoadError(
            f"{class_name} of {module_path} is code of a repository, which the config does not trust",
            hint="set model.trust_remote_code: true if you trust it",
        )

    return refusing


@contextmanager
def holding_loaders_to(arguments: Mapping[str, Any]) -> Iterator[None]:
    """While benchmarks are built, load parts of the run's model at its commit and from the cache.

    Args:
        arguments: lm-eval's ``model_args``: ``pretrained``, ``revision``.
    """
    import transformers

    with ExitStack() as stack:
        for name in LOADERS:
            loader = getattr(transformers, name)
            stack.enter_context(
                replaced(loader, from_pretrained=staticmethod(_held(loader.from_pretrained, arguments)))
            )
        yield


def _held(load: Callable[..., Any], arguments: Mapping[str, Any]) -> Callable[..., Any]:
    def load_held(name: Any, *args: Any, **kwargs: Any) -> Any:
        if name == arguments.get("pretrained") and "revision" in arguments:
            kwargs = {"revision": arguments["revision"], "local_files_only": True} | kwargs
        return load(name, *args, **kwargs)

    return load_held
