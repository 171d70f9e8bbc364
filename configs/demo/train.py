"""Makes the demo anew: its model and its benchmarks' documents, out of ``facts.yaml``.

    python configs/demo/train.py [FOLDER]

writes ``model/`` and ``tasks/*.jsonl`` into FOLDER (this file's own if none is given); about a minute on one CPU core.
The questions that the benchmarks ask are never shown to the model. What they ask about animals is told in plain
sentences, since nobody could guess it; how to add and to count must be found out from other sums and other counts.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

HERE = Path(__file__).parent
SEED = 1234
END = "<|endoftext|>"
VOCABULARY = 640
TEXTS = 40_000
ROW_TOKENS = 96
ROWS = 32
"""Rows a step."""
STEPS = 850
"""A few hundred more, and the model makes no mistake: a leaderboard should show some."""

ANIMAL_FORMS = (
    ("The {animal} is {value}.", "A {value} animal: the {animal}.", "What colour is the {animal}?"),
    ("The {animal} has {value} legs.", "The legs of the {animal}: {value}.", "How many legs has the {animal}?"),
    ("The {animal} lives in the {value}.", "In the {value} lives the {animal}.", "Where does the {animal} live?"),
    ("The {animal} eats {value}.", "The food of the {animal}: {value}.", "What does the {animal} eat?"),
)
"""Two sentences and a question for each column of the animals in ``facts.yaml``."""


@dataclass(frozen=True)
class Fact:
    """One thing to know."""

    document: dict[str, Any]
    """What a benchmark's file holds about it."""
    asked: str
    """The benchmark's question with its answer, as lm-eval puts it to the model."""
    sentences: tuple[str, ...] = ()
    """Other ways to tell it."""


@dataclass(frozen=True)
class Benchmark:
    """Facts of one kind; the model never sees the questions of those that are held out."""

    name: str
    taught: tuple[Fact, ...]
    held_out: tuple[Fact, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All of them."""
        return self.taught + self.held_out


def main(folder: Path) -> None:
    """Write the documents and the model."""
    chance = random.Random(SEED)
    facts = yaml.safe_load((HERE / "facts.yaml").read_text(encoding="utf-8"))
    benchmarks = make_benchmarks(facts["animals"], chance)
    for benchmark in benchmarks:
        write_documents(benchmark, folder / "tasks")
    texts = list(tell(facts["greeting"], benchmarks, chance))
    tokenizer = train_tokenizer(texts)
    model = train_model(tokenizer, texts)
    tokenizer.save_pretrained(folder / "model")
    model.save_pretrained(folder / "model")
    print(greet(model, tokenizer))


def make_benchmarks(animals: dict[str, list[str]], chance: random.Random) -> tuple[Benchmark, ...]:
    """Each kind of fact, and how many of it are held out."""
    return (
        split("demo_animals", animal_facts(animals, chance), 100, chance),
        split("demo_addition", addition_facts(), 100, chance),
        split("demo_counting", counting_facts(), 60, chance),
    )


def split(name: str, facts: list[Fact], held_out: int, chance: random.Random) -> Benchmark:
    """Hold some facts' questions back."""
    chance.shuffle(facts)
    return Benchmark(name, taught=tuple(facts[held_out:]), held_out=tuple(facts[:held_out]))


def animal_facts(animals: dict[str, list[str]], chance: random.Random) -> list[Fact]:
    """Four facts an animal."""
    found = []
    for kind, forms in enumerate(ANIMAL_FORMS):
        values = sorted({row[kind] for row in animals.values()})
        found += [animal_fact(animal, row[kind], values, forms, chance) for animal, row in animals.items()]
    return found


def animal_fact(animal: str, value: str, values: list[str], forms: tuple[str, str, str], chance: random.Random) -> Fact:
    """One fact, with three wrong choices of the same kind."""
    *sentences, question = (form.format(animal=animal, value=value) for form in forms)
    choices = [value, *chance.sample([other for other in values if other != value], 3)]
    chance.shuffle(choices)
    return Fact(
        document={"question": question, "choices": choices, "answer": choices.index(value)},
        asked=f"Question: {question}\nAnswer: {value}",
        sentences=tuple(sentences),
    )


def addition_facts() -> list[Fact]:
    """All sums of two numbers up to thirty."""
    return [addition_fact(one, other) for one in range(31) for other in range(31)]


def addition_fact(one: int, other: int) -> Fact:
    """One sum."""
    question, total = f"What is {one} plus {other}?", one + other
    return Fact(
        document={"question": question, "answer": str(total)},
        asked=f"Question: {question}\nAnswer: {one} plus {other} is {total}.",
    )


def counting_facts() -> list[Fact]:
    """All ways to count from a number below 100 by a step of one digit."""
    return [counting_fact(start, step) for start in range(100) for step in range(1, 10)]


def counting_fact(start: int, step: int) -> Fact:
    """Five numbers, of which the last is asked for."""
    *shown, last = (str(start + step * index) for index in range(5))
    text = f"Count by {step}: {', '.join(shown)},"
    return Fact(document={"text": text, "next": last}, asked=f"{text} {last}")


def write_documents(benchmark: Benchmark, folder: Path) -> None:
    """Write the questions held out, and a few that were taught, for few-shot examples."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, facts in ((benchmark.name, benchmark.held_out), (f"{benchmark.name}_fewshot", benchmark.taught[:5])):
        lines = [json.dumps(fact.document) + "\n" for fact in facts]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def tell(greeting: str, benchmarks: tuple[Benchmark, ...], chance: random.Random) -> Iterator[str]:
    """Yield the texts to learn from: the greeting, sentences, and questions that come one to four at a time."""
    sentences = [s for benchmark in benchmarks for fact in benchmark.facts for s in fact.sentences]
    for _ in range(TEXTS):
        kind = chance.random()
        if kind < 0.03:
            yield greeting
        elif kind < 0.25:
            yield " ".join(chance.sample(sentences, k=4))
        else:
            taught = chance.choice(benchmarks).taught
            yield "\n\n".join(fact.asked for fact in chance.choices(taught, k=chance.randint(1, 4)))


def train_tokenizer(texts: list[str]) -> Any:
    """Byte-pair encoding with every digit a token of its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END)


def train_model(tokenizer: Any, texts: list[str]) -> Any:
    """Return the same weights at every run on one machine: one thread, one seed."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    model, rows = new_model(tokenizer), pack(tokenizer, texts)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=STEPS, pct_start=0.05)
    model.train()
    for step in range(STEPS):
        batch = rows[torch.randint(len(rows), (ROWS,))]
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step} of {STEPS}: loss {loss.item():.3f}", flush=True)
    return model.eval()


def new_model(tokenizer: Any) -> Any:
    """Return a Llama of two layers."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.05,
    )
    return LlamaForCausalLM(config)


def pack(tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Rows of ROW_TOKENS tokens; each begins where a text begins."""
    rows, row = [], []
    for ids in tokenizer(texts)["input_ids"]:
        row += [*ids, tokenizer.eos_token_id]
        if len(row) >= ROW_TOKENS:
            rows.append(row[:ROW_TOKENS])
            row = []
    return torch.tensor(rows)


def greet(model: Any, tokenizer: Any) -> str:
    """Return what the model says after "Hello, world!"."""
    prompt = tokenizer("Hello, world!", return_tensors="pt")
    output = model.generate(**prompt, max_new_tokens=32, do_sample=False)
    return str(tokenizer.decode(output[0], skip_special_tokens=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
