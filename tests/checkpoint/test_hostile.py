"""What a damaged or hostile checkpoint says, each a bug message or a hang before; and which files make a model."""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.source import folder_name, open_folder
from benchy.config import BenchmarkConfig, ModelConfig, parse_config
from benchy.errors import BenchyError, ConfigError, ModelNotFound
from benchy.preflight.checks import preflight
from benchy.runs.folders import new_run_name
from benchy.worker.fetch.checkpoint import hash_folder
from tests.commands import DEMO


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO / "model", tmp_path / "model")


def config_of(name: Path | str, **evaluation: Any) -> BenchmarkConfig:
    settings = {"tasks": "demo_addition", "include_path": str(DEMO / "tasks"), "device": "cpu", **evaluation}
    return parse_config({"model": {"name": str(name)}, "evaluation": settings}, source="a test")


def refusal(model: Path, **evaluation: Any) -> str:
    with pytest.raises(BenchyError) as refused:
        preflight(config_of(model, **evaluation))
    assert type(refused.value) is not BenchyError
    return f"{refused.value.message}\n{refused.value.hint}"


def write_header(model: Path, header: Any, length: int | None = None) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (model / "model.safetensors").write_bytes(struct.pack("<Q", length or len(text)) + text)


@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F32", "shape": "ab"},
        {"dtype": "F32", "shape": None},
        {"dtype": "F32", "shape": [float("nan")]},
        {"dtype": "F32", "shape": [-1]},
        {"dtype": "F32", "shape": [10**400]},
        {"dtype": ["F32"], "shape": [1]},
        {"shape": [1]},
        5,
    ],
)
def test_a_header_that_says_no_shape_is_damage(model: Path, tensor: Any) -> None:
    write_header(model, {"a": tensor})
    assert "is damaged: in its header, a" in refusal(model)


@pytest.mark.parametrize(("header", "length"), [(b"[]", None), (b"[" * 100_000, None), (b"{}", 2**63), (b"", 8)])
def test_a_header_that_is_none_is_damage(model: Path, header: bytes, length: int | None) -> None:
    write_header(model, header, length)
    assert "model.safetensors is damaged" in refusal(model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": []}, "names no model_type"),
        ({"model_type": 5}, "names no model_type"),
        ({"model_type": {}}, "names no model_type"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: 1000000000"),
        ({"vocab_size": 10**30}, "vocab_size: 1000000000000000000000000000000"),
    ],
)
def test_a_config_of_wrong_types_or_of_a_billion_layers_is_refused(model: Path, change: Any, said: str) -> None:
    config = json.loads((model / "config.json").read_bytes())
    (model / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    assert said in refusal(model)


@pytest.mark.parametrize(
    "change", [{"vocab_size": "x"}, {"text_config": 5}, {"layer_types": [[]]}, {"quantization_config": "fp8"}]
)
def test_what_only_the_estimate_needs_costs_the_estimate(model: Path, change: Any) -> None:
    config = json.loads((model / "config.json").read_bytes())
    (model / "config.json").write_text(json.dumps(config | change), encoding="utf-8")
    assert preflight(config_of(model)).parameters == 110_912


@pytest.mark.parametrize(
    ("value", "said"), [("5", "5"), ("0", "0"), ("null", "None"), ("false", "False"), ('""', "''")]
)
def test_an_index_whose_values_are_no_names_is_damage(model: Path, value: str, said: str) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text(
        f'{{"weight_map": {{"a": {value}, "b": "x"}}}}', encoding="utf-8"
    )
    assert f"model.safetensors.index.json is damaged: it names {said} as a file" in refusal(model)


@pytest.mark.parametrize("templates", [[5], [{"name": []}], [[]]])
def test_chat_templates_of_wrong_types_are_none(model: Path, templates: Any) -> None:
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": templates}), encoding="utf-8")
    assert "no chat template" in refusal(model, apply_chat_template="mine")


def test_a_folder_of_everything_is_no_model() -> None:
    """It was walked whole."""
    with pytest.raises(ModelNotFound, match="holds more than 20,000 files"):
        open_folder(Path("/proc"))


def test_an_unreadable_file_is_not_called_damaged(model: Path) -> None:
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").symlink_to("/proc/self/mem")  # which no process reads from its start
    assert "model.safetensors cannot be read: Input/output error" in refusal(model)


@pytest.mark.parametrize("device", ["cdua", "gpu", "${DEVICE}", "cuda:", "CPU", ""])
def test_a_device_that_lmeval_would_not_take_is_refused(device: str) -> None:
    """lm-eval computes on another one, without a word."""
    with pytest.raises(ConfigError, match="there is no device"):
        preflight(config_of(DEMO / "model", device=device))


def test_folders_that_cannot_be_written_are_found_before(tmp_path: Path) -> None:
    """That of the leaderboard was found after the evaluation."""
    (tmp_path / "board").write_text("", encoding="utf-8")
    config = config_of(DEMO / "model").model_dump(mode="json") | {"upload": {"to": str(tmp_path / "board")}}
    with pytest.raises(ConfigError, match=r"upload\.to: .*board\" is a file, not a folder"):
        preflight(parse_config(config, source="a test"))


def test_what_is_loaded_makes_a_model_and_nothing_else(model: Path) -> None:
    """Benchy's own files, a README and hidden ones changed it, and below a `.cache` all models were one."""
    settings = ModelConfig(name=str(model))
    before = hash_folder(model, settings)
    for name in ("README.md", ".DS_Store", "outputs/run/record.json", "logs/a.log", "leaderboard.json", "b.yaml"):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("{}", encoding="utf-8")
    (model / os.fsdecode(b"\xff.txt")).unlink(missing_ok=True)
    assert hash_folder(model, settings) == before
    hidden = shutil.copytree(model, model.parent / ".cache" / "model")
    assert hash_folder(hidden, settings) == before
    with (hidden / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    assert hash_folder(hidden, settings) != before
    (model / os.fsdecode(b"\xff.txt")).write_text("a token", encoding="utf-8")  # not UTF-8: a bug message
    assert hash_folder(model, settings) != before


def test_code_makes_a_model_where_it_may_run(model: Path) -> None:
    (model / "modeling_own.py").write_text("", encoding="utf-8")
    allowed = ModelConfig(name=str(model), trust_remote_code=True)
    assert hash_folder(model, allowed) != hash_folder(model, ModelConfig(name=str(model)))


def test_one_model_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m").mkdir()
    monkeypatch.chdir(tmp_path / "m")
    assert [folder_name(name) for name in ("m", "./m", "m/", "m/../m", "a//b", ".")] == ["m"] * 4 + ["a/b", "m"]


@pytest.mark.parametrize(
    ("name", "begins"), [("/home/ada/models/m", "m_2"), ("a/b", "a-b_2"), ("x" * 250, "x" * 100 + "_2")]
)
def test_the_runs_name_is_short_and_tells_nothing_of_this_host(name: str, begins: str) -> None:
    """The rest of an absolute path was published with it; over 215 characters no folder could be made."""
    assert new_run_name(config_of(name), "0123456789").startswith(begins)
