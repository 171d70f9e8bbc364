"""After heavy imports garbage is collected as before."""

from __future__ import annotations

import gc

import pytest

from benchy.fast_imports import collecting_no_garbage


def fail_to_import() -> None:
    with collecting_no_garbage():
        assert not gc.isenabled()
        raise ImportError


def test_garbage_is_collected_again_also_after_a_failure() -> None:
    with pytest.raises(ImportError):
        fail_to_import()
    assert gc.isenabled()
