"""Tells how far half precision is from float32, by batch size, for Benchy's ``hf`` and for lm-eval's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from bench.gpu.work import Size
from bench.log_likelihoods import SCENARIOS, instances
from bench.random_model import model, tokenizer

BATCHES = (1, 8, 32)
CHOICES = 4
SCENARIO = SCENARIOS[0]
HEAD = "| way | batch | mean distance from float32 | largest | other best choice than float32 |"


def precision(size: Size) -> Iterator[str]:
    """Give a table: log-likelihoods of four choices after a context of 300 words."""
    from lm_eval.models.huggingface import HFLM

    from benchy.worker.hf.model import FastHFLM

    requests = instances(SCENARIO, times=max(1, size.documents // 8))
    logging.disable(logging.WARNING)
    truth = _ask(HFLM, replace(size.shape, dtype="float32"), requests, 8)
    yield f"{len(requests)} requests; the same weights, rounded to bfloat16\n\n{HEAD}\n|---|---:|---:|---:|---:|"
    for name, way in (("hf", FastHFLM), ("hf-stock", HFLM)):
        for batch in BATCHES:
            yield _row(name, batch, _ask(way, replace(size.shape, dtype="bfloat16"), requests, batch), truth)
    logging.disable(logging.NOTSET)


def _ask(way: Any, shape: Any, requests: list[Any], batch: int) -> torch.Tensor:
    lm = way(pretrained=model(shape), tokenizer=tokenizer(), batch_size=batch)
    return torch.tensor([answer[0] for answer in lm.loglikelihood(requests, disable_tqdm=True)], dtype=torch.float64)


def _row(name: str, batch: int, found: torch.Tensor, truth: torch.Tensor) -> str:
    distance = (found - truth).abs()
    best, true_best = (each.view(-1, CHOICES).argmax(dim=1) for each in (found, truth))
    other = int((best != true_best).sum())
    return f"| {name} | {batch} | {distance.mean():.4f} | {distance.max():.4f} | {other} of {len(best)} |"
