"""A random Llama of 22,000 parameters, and benchmarks that have one of everything, written where a test wants them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
WORDS = [UNKNOWN, BEGIN, END, *(chr(code) for code in range(32, 127)), "\n"]
CHAT_TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
COLORS = ["red", "green", "blue", "black", "white", "yellow"]


def write_model(folder: Path, *, seed: int = 0, vocabulary: int | None = None) -> Path:
    """Return a Llama with random weights and a tokenizer of characters; another seed answers differently."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=vocabulary or len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
        initializer_range=0.3,
    )
    torch.manual_seed(seed)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ids = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    special = {"unk_token": UNKNOWN, "bos_token": BEGIN, "eos_token": END, "pad_token": END}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=CHAT_TEMPLATE, **special)


FORWARD_LOG = "BENCHY_TESTS_FORWARD_LOG"
"""The environment variable that names the file where a logged model writes its prompts; ``{pid}`` in it is its own."""

_LOGGED = """
import os, time
from transformers import LlamaForCausalLM

class LoggedLlama(LlamaForCausalLM):
    def forward(self, input_ids=None, **kwargs):
        if "BENCHY_TESTS_FORWARD_LOG" in os.environ and input_ids.shape[1] > 1:
            rows = "".join(" ".join(map(str, row)) + "\\n" for row in input_ids.tolist())
            with open(os.environ["BENCHY_TESTS_FORWARD_LOG"].format(pid=os.getpid()), "a") as log:
                log.write(rows)
            time.sleep(0.01)
        return super().forward(input_ids=input_ids, **kwargs)

LoggedLlama.__module__ = LlamaForCausalLM.__module__  # custom code is never computed the faster way
"""


def write_logged_model(folder: Path) -> Path:
    """Return a model that logs every prompt that it computes."""
    return write_model_with_code(folder, "LoggedLlama", _LOGGED)


def write_model_with_code(folder: Path, name: str, code: str) -> Path:
    """Return a model that brings its own code, real remote code of a repository: a class of this name."""
    write_model(folder)
    (folder / "modeling_own.py").write_text(code)
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoModelForCausalLM": f"modeling_own.{name}"}, "architectures": [name]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def write_tasks(folder: Path, *, documents: int = 12) -> Path:
    """``tiny_choice``, ``tiny_letter`` and ``tiny_text`` in the group ``tiny``; ``tiny_rolling``; and broken ones."""
    folder.mkdir(parents=True, exist_ok=True)
    choices = [_choice(index) for index in range(documents)]
    _write_lines(folder / "choice.jsonl", choices)
    _write_lines(folder / "shots.jsonl", [_choice(index + 1000) for index in range(9)])
    _write_lines(folder / "empty.jsonl", [])
    for name, task in _tasks(folder).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name, **task}))
    group = {"group": "tiny", "task": ["tiny_choice", "tiny_letter", "tiny_text"], "aggregate_metric_list": _MEANS}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(group))
    for name, key in (("tiny_raises", "process_results"), ("tiny_filtered", "process_docs")):
        changed = (folder / "tiny_choice.yaml").read_text().replace("tiny_choice", name)
        (folder / f"{name}.yaml").write_text(f"{changed}{key}: !function broken.{key}\n")
    (folder / "broken.py").write_text(_BROKEN)
    return folder


_BROKEN = """
def process_results(doc, results):
    raise KeyError(f"no column\\n{doc['id']}")

def process_docs(documents):
    return documents.filter(lambda document: False)
"""


_MEANS = [{"metric": "acc", "weight_by_size": True}]


def _choice(index: int) -> dict[str, object]:
    color = COLORS[index % len(COLORS)]
    padding = "very " * (index * 7 % 5)
    return {"id": index, "question": f"Which {padding}color is number {index}?", "choices": COLORS, "answer": color}


def _tasks(folder: Path) -> dict[str, dict[str, object]]:
    files = {"test": str(folder / "choice.jsonl"), "train": str(folder / "shots.jsonl")}
    base: dict[str, object] = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": files},
        "test_split": "test",
        "fewshot_split": "train",
        "num_fewshot": 2,
        "doc_to_text": "Question: {{question}}\nAnswer:",
        "metadata": {"version": 1.0},
    }
    several: dict[str, object] = {
        "output_type": "multiple_choice",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{choices.index(answer)}}",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }
    text: dict[str, object] = {
        "output_type": "generate_until",
        "doc_to_target": "{{answer}}",
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    until: dict[str, object] = {"until": ["\n", "."], "max_gen_toks": 12}
    return {
        "tiny_choice": base | several,
        "tiny_letter": base | several | {"doc_to_choice": list("ABCDEF"), "num_fewshot": 0, "metric_list": _ACC},
        "tiny_text": base | text | {"generation_kwargs": until},
        "tiny_sampled": base | text | {"generation_kwargs": until | {"do_sample": True, "temperature": 1.0}},
        "tiny_rolling": base
        | {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "{{question * 12}}",
            "num_fewshot": 0,
            "metric_list": [{"metric": "word_perplexity"}, {"metric": "bits_per_byte"}],
        },
        "tiny_empty": base
        | several
        | {"dataset_kwargs": {"data_files": files | {"test": str(folder / "empty.jsonl")}}},
        "tiny_lost": base | several | {"dataset_kwargs": {"data_files": {"test": str(folder / "lost.jsonl")}}},
    }


_ACC = [{"metric": "acc"}]


def _write_lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
