"""What a failure is called."""

from __future__ import annotations

import pytest

from benchy.errors import ModelLoadError
from benchy.worker.failures import failing_as, name_unexpected


def test_a_file_that_may_not_be_read_is_named_with_the_remedy() -> None:
    """``save_pretrained`` writes weights that their owner alone may read, and a container's user is another one."""
    failure = name_unexpected(PermissionError(13, "Permission denied", "/models/own/model.safetensors"))
    assert failure.message == "the worker may not open /models/own/model.safetensors"
    assert "chmod -R g+rX" in failure.hint


def test_what_nobody_foresaw_is_called_a_bug() -> None:
    failure = name_unexpected(KeyError("x"))
    assert failure.message == "unexpected KeyError: 'x'"
    assert "report" in failure.hint


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (ModuleNotFoundError("No module named 'einops.layers'", name="einops.layers"), "`pip install einops`"),
        (ImportError("This modeling file requires einops. Run `pip install einops`"), "`pip install PACKAGE`"),
        (ImportError("cannot import name 'x' from 'transformers'", name="transformers"), "model.trust_remote_code"),
    ],
)
def test_a_missing_package_is_to_be_installed_and_nothing_else(error: ImportError, hint: str) -> None:
    with pytest.raises(ModelLoadError) as caught, failing_as(ModelLoadError, "org/tiny does not load"):
        raise ValueError from error
    assert hint in caught.value.hint
    assert ("trust_remote_code" in caught.value.hint) == (hint == "model.trust_remote_code")
