"""What a failure is called."""

from __future__ import annotations

from benchy.worker.failures import name_unexpected


def test_a_file_that_may_not_be_read_is_named_with_the_remedy() -> None:
    """``save_pretrained`` writes weights that their owner alone may read, and a container's user is another one."""
    failure = name_unexpected(PermissionError(13, "Permission denied", "/models/own/model.safetensors"))
    assert failure.message == "the worker may not open /models/own/model.safetensors"
    assert "chmod -R g+rX" in failure.hint


def test_what_nobody_foresaw_is_called_a_bug() -> None:
    failure = name_unexpected(KeyError("x"))
    assert failure.message == "unexpected KeyError: 'x'"
    assert "report" in failure.hint
