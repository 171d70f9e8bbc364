"""What generating texts costs: Benchy's ``hf`` against lm-eval's, on a small model with random weights.

Seen before, on one thread, 16 prompts, a Llama of 35 M parameters, batches of 8, the same texts each time: 24.7 CPU
seconds by plain lm-eval, 18.8 with each text ending at its own stop sequence, 14.0 when the batch also goes on without
the texts that have ended. transformers' continuous batching was not taken: on a CPU it took 15.2 seconds where plain
lm-eval takes 4.4 (14 M parameters, 64 tokens), and it ends texts at tokens only, not at stop sequences.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.figures import Figure, paired
from bench.pipeline import Bench

WORDS = 4_000
ONE_IN = 100
"""So many words end a line, and as many end the text."""
PROMPTS = 8
PROMPT_WORDS = (50, 400)
MOST_TOKENS = 128
BATCH = 8


def generation(bench: Bench) -> Iterator[Figure]:
    """Half of the texts end with a line and half by themselves, as a model that was trained to chat and was not."""
    import torch
    from lm_eval.models.huggingface import HFLM

    from bench.random_model import describe, tokenizer
    from benchy.worker.hf.model import FastHFLM

    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    arguments = {"pretrained": _model(), "tokenizer": tokenizer(_words()), "batch_size": BATCH, "max_length": 1024}
    plain, ours = HFLM(**arguments), FastHFLM(**arguments)
    requests = list(_requests())
    assert _texts(ours, requests) == _texts(plain, requests)
    seconds: dict[HFLM, list[float]] = {plain: [], ours: []}
    for _ in range(bench.pairs):
        for lm, taken in seconds.items():
            started = time.process_time()
            _texts(lm, requests)
            taken.append(time.process_time() - started)
    logging.disable(logging.NOTSET)
    note = f"{PROMPTS} texts, batches of {BATCH}, {describe(plain.model)}"
    yield paired("generation by one process: CPU", "s", seconds[ours], seconds[plain], note=note)


PARTS: tuple[Callable[[Bench], Iterator[Figure]], ...] = (generation,)


def _texts(lm: Any, requests: list[Any]) -> list[str]:
    texts: list[str] = lm.generate_until(requests, disable_tqdm=True)
    return texts


def _requests() -> Iterator[Any]:
    from lm_eval.api.instance import Instance

    from bench.random_model import SPECIAL

    draw = random.Random(0)  # noqa: S311
    arguments = {"until": ["\n"], "max_gen_toks": MOST_TOKENS}
    for index in range(PROMPTS):
        words = (f"w{draw.randrange(len(SPECIAL), WORDS)}" for _ in range(draw.randint(*PROMPT_WORDS)))
        yield Instance("generate_until", {}, (" ".join(words), arguments), index)


def _words() -> Iterator[str]:
    """Yield some hold the end of a line."""
    from bench.random_model import SPECIAL, numbered

    return (word if number % ONE_IN else f"{word}\n" for number, word in enumerate(numbered(WORDS), len(SPECIAL)))


def _model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from bench.random_model import SPECIAL

    torch.manual_seed(0)
    ends = [number for number in range(len(SPECIAL), WORDS) if number % ONE_IN == 1]
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=384,
        intermediate_size=1056,
        num_hidden_layers=6,
        num_attention_heads=6,
        max_position_embeddings=1024,
        eos_token_id=[2, *ends],
        initializer_range=0.05,  # large enough that the texts are not all one word over and over
    )
    return LlamaForCausalLM(config).eval()
