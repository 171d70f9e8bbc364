"""Random numbers go on where they were."""

from __future__ import annotations

import pickle

import pytest
import torch

from benchy.worker.machine.torch_state import free_memory, random_state, set_random_state


def test_the_same_numbers_are_drawn_again() -> None:
    state = random_state()
    first = torch.rand(5)
    torch.manual_seed(7)
    set_random_state(state)
    assert torch.equal(torch.rand(5), first)


def test_a_state_that_holds_code_is_not_run() -> None:
    with pytest.raises(pickle.UnpicklingError):
        set_random_state(pickle.dumps(print, protocol=2))


def test_memory_is_freed_where_there_is_no_gpu_too() -> None:
    free_memory()
