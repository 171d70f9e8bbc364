"""Tokenizers are trained once."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def tokenizers() -> dict[bool, Any]:
    """By whether they put BOS before every text."""
    from tests.worker.hf.shapes import bpe_tokenizer

    return {adds_bos: bpe_tokenizer(adds_bos=adds_bos) for adds_bos in (False, True)}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Models this small only lose time to more threads."""
    import torch

    torch.set_num_threads(1)
