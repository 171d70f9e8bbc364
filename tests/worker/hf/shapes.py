"""Small models of many architectures with random weights, a real tokenizer, and requests of many kinds."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import transformers
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VOCABULARY = 384
WINDOW = 24
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
Strings = tuple[str, str]

BASE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
    "initializer_range": 0.3,  # large enough that every token of a context shows in the outputs
}
EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256, "vocab_size": VOCABULARY, "initializer_range": 0.3}
MIXED = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}

CONFIGS: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaConfig(**BASE),
    "llama, eager attention": lambda: transformers.LlamaConfig(**BASE, attn_implementation="eager"),
    "gpt2": lambda: transformers.GPT2Config(**GPT2),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**BASE),
    "opt": lambda: transformers.OPTConfig(**BASE, ffn_dim=48, word_embed_proj_dim=32),
    "qwen2": lambda: transformers.Qwen2Config(**BASE),
    "qwen2, sliding window": lambda: transformers.Qwen2Config(**BASE, use_sliding_window=True, **MIXED),
    "qwen3": lambda: transformers.Qwen3Config(**BASE),
    "mistral": lambda: transformers.MistralConfig(**BASE, sliding_window=None),
    "mistral, sliding window": lambda: transformers.MistralConfig(**BASE, sliding_window=WINDOW),
    "phi3, sliding window": lambda: transformers.Phi3Config(**BASE, sliding_window=WINDOW),
    "gemma": lambda: transformers.GemmaConfig(**BASE),
    "gemma2": lambda: transformers.Gemma2Config(**BASE, query_pre_attn_scalar=8, **MIXED),
    "gemma3": lambda: transformers.Gemma3TextConfig(**BASE, query_pre_attn_scalar=8, **MIXED),
    "mixtral": lambda: transformers.MixtralConfig(**BASE, **EXPERTS),
    "mixtral, sliding window": lambda: transformers.MixtralConfig(**BASE, **EXPERTS, sliding_window=WINDOW),
    "qwen2_moe": lambda: transformers.Qwen2MoeConfig(**BASE, **EXPERTS, shared_expert_intermediate_size=32),
    "qwen3_moe": lambda: transformers.Qwen3MoeConfig(**BASE, **EXPERTS),
    "gpt_oss": lambda: transformers.GptOssConfig(**BASE, **EXPERTS, **MIXED),
}


def random_model(name: str, seed: int = 0) -> Any:
    """Return a model of that shape."""
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(CONFIGS[name]()).float().eval()


def bpe_tokenizer(*, adds_bos: bool) -> transformers.PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer, trained here; Llama's puts BOS before every text, GPT-2's does not."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL.values()), initial_alphabet=alphabet, show_progress=False
    )
    raw.train_from_iterator([" ".join(_WORDS)] * 4, trainer)
    if adds_bos:
        raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw, **SPECIAL)


_WORDS = ["".join(parts) for parts in itertools.product("bdkmst", "aeiou", ["", "n", "r", "la", "mi"])]


class Requests:
    """Draws requests."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def words(self, low: int, high: int) -> str:
        """From ``low`` to ``high`` words."""
        return " ".join(self._random.choice(_WORDS, int(self._random.integers(low, high + 1))))

    def choices(self, documents: int, number: int = 4, context: int = 25) -> Iterator[Strings]:
        """Several continuations of one context."""
        for _ in range(documents):
            text = self.words(1, context)
            yield from ((text, " " + self.words(1, 5)) for _ in range(number))

    def few_shot(self, documents: int) -> Iterator[Strings]:
        """Yield the same worked examples before each question; answers of one token."""
        examples = self.words(45, 45)
        for _ in range(documents):
            text = f"{examples}\n{self.words(2, 8)}:"
            yield from ((text, letter) for letter in (" A", " B", " C", " D"))

    def odd(self) -> Iterator[Strings]:
        """Yield what a benchmark rarely asks, but may."""
        text = self.words(6, 6)
        yield from (("", self.words(1, 4)), ("", "<s>" + self.words(2, 2)), ("<s>" + text, " " + self.words(1, 1)))
        yield from ((text + "  ", self.words(1, 2)), (text + "\n", self.words(1, 2)), (text, "\n"))
        yield from [(text, " " + text)] * 3
        yield from ((text + " " + text, " da"), (text, " " + text + " da"))
        yield self.words(200, 200), " " + self.words(3, 3)
        yield self.words(1, 1), " " + self.words(60, 60)

    def all(self) -> list[Strings]:
        """Return some of each kind, in no order."""
        drawn = [*self.choices(5), *self.choices(1, number=14), *self.few_shot(6), *self.odd()]
        self._random.shuffle(drawn)
        return [(context, continuation) for context, continuation in drawn]


def instances(pairs: list[Strings]) -> list[Instance]:
    """As lm-eval hands them over."""
    return [Instance("loglikelihood", {}, pair, index) for index, pair in enumerate(pairs)]


def reference(lm: Any, pairs: list[Strings]) -> list[tuple[float, bool]]:
    """Each request alone, in float64, straight from the definition; tokenized by lm-eval one by one."""
    exact = copy.deepcopy(lm.model).double()
    exact.set_experts_implementation("eager")  # the default has no float64
    return [_reference(lm, exact, *pair) for pair in pairs]


def _reference(lm: Any, exact: Any, context: str, continuation: str) -> tuple[float, bool]:
    if context == "":
        tokens = lm.tok_encode(continuation, add_special_tokens=False)
        before, after = ([lm.prefix_token_id], tokens) if tokens[0] != lm.prefix_token_id else (tokens[:1], tokens[1:])
    else:
        before, after = lm._encode_pair(context, continuation)
    whole = torch.tensor((before + after)[-(lm.max_length + 1) :])
    with torch.no_grad():
        log_probs = exact(whole[None, :-1]).logits[0, -len(after) :].double().log_softmax(-1)
    wanted = whole[-len(after) :]
    total = log_probs.gather(1, wanted[:, None]).sum().item()
    return total, bool((log_probs.argmax(-1) == wanted).all())
