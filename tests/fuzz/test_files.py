"""`benchy check` of hostile configs, command lines, checkpoints and task files."""

from __future__ import annotations

import json
import os
import struct
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.commands import DEMO
from tests.fuzz.hostile import broken, changed, fragments, texts, to_yaml, values
from tests.fuzz.sandbox import Sandbox

CONFIG: dict[str, Any] = {
    "model": {"name": str(DEMO / "model"), "dtype": "float32", "max_length": 256, "args": {"subfolder": None}},
    "evaluation": {
        "tasks": "demo_addition",
        "include_path": [str(DEMO / "tasks")],
        "device": "cpu",
        "batch_size": "auto:2",
        "limit": 5,
        "seed": [0, 1, 2, 3],
        "gen_kwargs": {"temperature": 0},
        "output_path": "outputs",
        "apply_chat_template": False,
    },
    "performance": {"use_accelerate": False},
    "logging": {"log_dir": "logs"},
    "upload": {"to": "leaderboard"},
    "gpus": None,
    "container": {"ulimits": {"memlock": -1}, "volumes": ["/a:/b"]},
}
SUITE: dict[str, Any] = {
    "models": [str(DEMO / "model"), {"name": str(DEMO / "mod*"), "dtype": "bfloat16"}],
    "benchmarks": ["config.yaml", CONFIG["evaluation"]],
    "upload": {"to": "leaderboard"},
    "logging": {"log_dir": "logs"},
}
MODEL: dict[str, Any] = json.loads((DEMO / "model" / "config.json").read_bytes()) | {
    "text_config": {"num_hidden_layers": 2, "layer_types": ["full_attention"]},
    "quantization_config": {"quant_method": "fp8"},
    "auto_map": {"AutoModel": "x.Y"},
}
TOKENIZER: dict[str, Any] = {
    "chat_template": [{"name": "default", "template": "{{ messages }}"}],
    "model_max_length": 512,
}
HEADER: dict[str, Any] = {
    "__metadata__": {"format": "pt"},
    "model.embed_tokens.weight": {"dtype": "F32", "shape": [640, 64], "data_offsets": [0, 163840]},
    "model.norm.weight": {"dtype": "BF16", "shape": [64], "data_offsets": [163840, 163968]},
}
INDEX: dict[str, Any] = {
    "metadata": {"total_size": 9},
    "weight_map": {"a": "model.safetensors", "b": "model.safetensors"},
}
TASK: dict[str, Any] = {
    "task": "own",
    "tag": ["tagged"],
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": ["a", "b"],
    "doc_to_target": 0,
    "include": "base.yaml",
    "metric_list": [{"metric": "acc", "aggregation": "mean"}],
    "metadata": {"version": 1},
}
GROUP: dict[str, Any] = {
    "group": "grouped",
    "task": ["own", {"task": "own", "num_fewshot": 1}, "grouped"],
    "tag": "tagged",
}
OPTIONS = ["--model", "--gpus", "--tasks", "--limit", "--gpu-memory", "--resume", "--to", "--device", "--help", "--x"]
OPTIONS += ["--status", "--since", "--json", "--samples", "--wrong", "--outputs", "--include-path", "--kind"]


@given(data=st.data())
def test_configs(sandbox: Sandbox, data: st.DataObject) -> None:
    config = sandbox.renewed() / "config.yaml"
    pieces = fragments(sandbox.canary)
    settings = data.draw(changed(CONFIG) | st.just(CONFIG))
    text = data.draw(broken(to_yaml(settings), pieces) | st.just(to_yaml(settings)) | pieces)
    config.write_bytes(data.draw(st.binary(max_size=40)) if text == "|\n" else text.encode("utf-8", "surrogatepass"))
    sandbox.command("check", str(config))


@given(data=st.data())
def test_suites(sandbox: Sandbox, data: st.DataObject) -> None:
    folder = sandbox.renewed()
    (folder / "config.yaml").write_text(to_yaml(CONFIG), encoding="utf-8")
    pieces = fragments(sandbox.canary)
    settings = data.draw(changed(SUITE) | st.just(SUITE))
    text = data.draw(broken(to_yaml(settings), pieces) | st.just(to_yaml(settings)))
    (folder / "suite.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    sandbox.command("check", "suite.yaml")


@given(data=st.data())
def test_command_lines(sandbox: Sandbox, data: st.DataObject) -> None:
    config = sandbox.renewed() / "config.yaml"
    config.write_text(to_yaml(CONFIG | {"model": {"name": str(DEMO / "model")}}), encoding="utf-8")
    text = (texts | st.text(max_size=12)).filter(_can_be_passed)
    word = text | st.sampled_from(
        ["\udcff", "a\udc80.yaml", "0", "1,2", "nan", "inf", "1e400", "9" * 400 + "GB", "80GB", "²"]
    )
    options = st.lists(st.sampled_from(OPTIONS) | word, max_size=6)
    command = data.draw(
        st.sampled_from(["check", "check", "check", "upload", "ls", "show", "logs", "tasks", "nonsense"])
    )
    first = data.draw(st.just(str(config)) | word)
    sandbox.command(command, first, *data.draw(options))


@given(data=st.data())
def test_checkpoints(sandbox: Sandbox, data: st.DataObject) -> None:
    model = sandbox.renewed() / "model"
    model.mkdir()
    files = data.draw(st.sampled_from(["config.json", "tokenizer_config.json", "header", "index", "junk"]))
    settings = {"config.json": MODEL, "tokenizer_config.json": TOKENIZER, "header": HEADER, "index": INDEX}
    if files in settings:
        settings[files] = data.draw(changed(settings[files]) | values)
    for name in ("config.json", "tokenizer_config.json"):
        (model / name).write_bytes(_json(settings[name]))
    if files == "index":
        (model / "model.safetensors.index.json").write_bytes(_json(settings["index"]))
    header = data.draw(st.binary(max_size=30)) if files == "junk" else _json(settings["header"])
    length = data.draw(st.just(len(header)) | st.sampled_from([0, 1, 2**40, 2**64 - 1]))
    weights = "shard.safetensors" if files == "index" and data.draw(st.booleans()) else "model.safetensors"
    (model / weights).write_bytes(struct.pack("<Q", length) + header + bytes(200))
    changes = {"apply_chat_template": data.draw(st.booleans())}
    _check(sandbox, {"model": {"name": str(model)}, "evaluation": CONFIG["evaluation"] | changes})


@given(data=st.data())
def test_task_files(sandbox: Sandbox, data: st.DataObject) -> None:
    tasks = sandbox.renewed() / "tasks"
    tasks.mkdir()
    pieces = fragments(sandbox.canary)
    for name, settings in {"own": TASK, "group": GROUP, "base": {"num_fewshot": 0}}.items():
        text = to_yaml(data.draw(changed(settings) | st.just(settings)))
        (tasks / f"{name}.yaml").write_bytes(
            data.draw(broken(text, pieces) | st.just(text)).encode("utf-8", "surrogatepass")
        )
    asked = data.draw(st.sampled_from(["own", "grouped", "tagged", "*", "o*", str(tasks / "own.yaml"), "base.yaml"]))
    changes = {"include_path": str(tasks), "tasks": [asked]}
    _check(sandbox, {"model": CONFIG["model"], "evaluation": CONFIG["evaluation"] | changes})


def _can_be_passed(word: str) -> bool:
    """Whether a shell can give the word to a program: as bytes, none of which is zero."""
    with suppress(UnicodeEncodeError):
        return b"\0" not in os.fsencode(word)
    return False


def _check(sandbox: Sandbox, settings: dict[str, Any]) -> None:
    config = sandbox.case / "config.yaml"
    config.write_text(to_yaml(settings), encoding="utf-8")
    sandbox.command("check", str(config))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")
