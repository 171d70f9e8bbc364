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


def refuse_remote_code() -> None:
    """From now on no code of a repository runs in this process; who asks for it gets transformers' own class.

    Where there is none, transformers refuses, as it does without ``trust_remote_code``.
    """
    from transformers import dynamic_module_utils

    resolve = dynamic_module_utils.resolve_trust_remote_code

    @functools.wraps(resolve)
    def without_trust(_trust_remote_code: object, *args: Any, **kwargs: Any) -> Any:
        return resolve(False, *args, **kwargs)

    for name, module in list(sys.modules.items()):
        if name.startswith("transformers.") and RESOLVER in vars(module):
            setattr(module, RESOLVER, without_trust)
    dynamic_module_utils.get_class_in_module = _refuse


def _refuse(class_name: str, module_path: object, **_options: object) -> Any:
    raise ModelLoadError(
        f"{class_name} of {module_path} is code of a repository, which the config does not trust",
        hint="set model.trust_remote_code: true if you trust it",
    )


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
