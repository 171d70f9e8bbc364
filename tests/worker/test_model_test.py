"""The model test measures what is loaded, and fails for a model that is broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchy.config import BenchmarkConfig, PerformanceConfig
from benchy.display.tables import model_test_block
from benchy.errors import BenchyError, GpuNotFound, ModelLoadError, ModelNotFound, ModelTestFailed
from benchy.protocol import ModelTest, Phase
from benchy.worker.loading import loaded_model
from benchy.worker.model_test import MAX_NEW_TOKENS, model_test
from tests.worker.conftest import Events, MakeConfig, prepared_session
from tests.worker.tiny import FORWARD_LOG, WORDS, write_logged_model, write_model_with_code


def test_it_measures_the_model_as_loaded(make_config: MakeConfig, model_folder: Path) -> None:
    result = model_test(prepared_session(make_config()), ModelTest())
    stored = sum(tensor.numel() for tensor in _weights(model_folder).values())
    assert result.parameters == stored, "tied weights are stored once"
    assert result.bytes_by_dtype == {"float32": 4 * stored}
    assert result.size_bytes == 4 * stored
    assert (result.dtype, result.device) == ("float32", "cpu")
    assert result.generated.startswith("Hello, world!")
    assert len(result.generated) > len("Hello, world!")
    assert 0 < result.tokens <= MAX_NEW_TOKENS
    assert result.peak_memory_of == "process"
    assert result.load_seconds > 0


def test_it_loads_with_the_evaluations_own_arguments(make_config: MakeConfig) -> None:
    session = prepared_session(make_config(model={"dtype": "bfloat16", "max_length": 77}))
    result = model_test(session, ModelTest())
    assert result.bytes_by_dtype.keys() == {"bfloat16"}
    assert loaded_model(session).lm.max_length == 77


def test_parallelize_has_accelerate_place_the_layers(make_config: MakeConfig) -> None:
    config = make_config()
    assert not hasattr(loaded_model(prepared_session(config)).lm.model, "hf_device_map")
    session = prepared_session(config)
    on_cpu = PerformanceConfig(parallelize=True)  # a file cannot ask for this, and none is asked
    session.config = BenchmarkConfig.model_construct(**dict(config) | {"performance": on_cpu})
    assert loaded_model(session).lm.model.hf_device_map
    assert model_test(session, ModelTest()).generated.startswith("Hello, world!")


def test_the_model_is_loaded_once_and_the_configured_batch_size_stays(make_config: MakeConfig) -> None:
    events: Events = []
    session = prepared_session(make_config(batch_size="auto:4"), events)
    first, second = model_test(session, ModelTest()), model_test(session, ModelTest())
    assert first.generated == second.generated
    assert [event.name for event in events if isinstance(event, Phase)].count("load") == 1
    assert loaded_model(session).lm.batch_size == "auto"


def _break_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "no_such", "architectures": ["NoSuch"]}))


def _cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def _garble_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not a model")


def _drop_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _fill_weights_with_nan(folder: Path) -> None:
    from safetensors.torch import save_file

    weights = _weights(folder)
    weights["model.norm.weight"][:] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _blank_weights(folder: Path) -> None:
    """All logits are equal, so that every token is the first of the vocabulary, which has no text."""
    from safetensors.torch import save_file

    blank = {name: weight.zero_() for name, weight in _weights(folder).items()}
    save_file(blank, folder / "model.safetensors", metadata={"format": "pt"})


def _drop_layer(folder: Path) -> None:
    _rewrite(folder, lambda name: None if ".layers.1." in name else name)


def _other_width(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))


def _rewrite(folder: Path, rename: Callable[[str], str | None]) -> None:
    """Give each tensor another name, or leave it out."""
    from safetensors.torch import save_file

    renamed = {rename(name): tensor for name, tensor in _weights(folder).items()}
    kept = {name: tensor for name, tensor in renamed.items() if name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (_break_config, (ModelLoadError, "no_such")),
        (_cut_weights, (ModelLoadError, "does not load: ")),
        (_garble_weights, (ModelLoadError, "does not load: ")),
        (_drop_weights, (ModelNotFound, "holds no weights")),
        (_fill_weights_with_nan, (ModelTestFailed, "NaN")),
        (_blank_weights, (ModelTestFailed, "all tokens have the same logit")),
        (_drop_layer, (ModelLoadError, "lack 9 tensors of LlamaForCausalLM, which .* random")),
        (_other_width, (ModelLoadError, r"another shape .* e\.g\. model\.layers\.0\.mlp\.down_proj\.weight: ")),
    ],
)
def test_a_broken_model(
    make_config: MakeConfig,
    model_folder: Path,
    tmp_path: Path,
    break_it: Callable[[Path], None],
    expected: tuple[type[BenchyError], str],
) -> None:
    kind, says = expected
    folder = copied(model_folder, tmp_path / "broken")
    break_it(folder)
    with pytest.raises(kind, match=says) as caught:
        model_test(prepared_session(make_config(model={"name": str(folder)})), ModelTest())
    assert type(caught.value) is kind
    assert "\n" not in caught.value.message


def test_a_missing_gpu_is_found_before_anything_is_loaded(make_config: MakeConfig, tmp_path: Path) -> None:
    events: Events = []
    config = make_config(device="cuda:1", model={"name": str(tmp_path / "nothing here")})
    with pytest.raises(GpuNotFound, match=r'evaluation\.device: "cuda:1"'):
        prepared_session(config, events)
    assert [event.name for event in events if isinstance(event, Phase)] == ["prepare"]


def _weights(folder: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def copied(model: Path, folder: Path) -> Path:
    shutil.copytree(model, folder)
    return folder


def test_a_tensor_without_a_place_is_a_warning(make_config: MakeConfig, model_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = copied(model_folder, tmp_path / "more")
    more = _weights(folder) | {"model.layers.2.mlp.up_proj.weight": _weights(folder)["model.norm.weight"].clone()}
    save_file(more, folder / "model.safetensors", metadata={"format": "pt"})
    result = model_test(prepared_session(make_config(model={"name": str(folder)})), ModelTest())
    assert result.warnings == (
        "LlamaForCausalLM has no place for 1 tensor of the weights' files: model.layers.2.mlp.up_proj.weight",
    )
    assert f"   ⚠️ {result.warnings[0]}" in model_test_block("more", result).splitlines()


def test_a_model_that_only_ends_the_text_is_a_warning(
    make_config: MakeConfig, model_folder: Path, tmp_path: Path
) -> None:
    folder = copied(model_folder, tmp_path / "ends")
    end = 2
    others = [token for token in range(len(WORDS)) if token != end]
    generation = {"eos_token_id": end, "suppress_tokens": others}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    result = model_test(prepared_session(make_config("tiny_text", model={"name": str(folder)})), ModelTest())
    assert result.generated == "Hello, world!"
    assert result.warnings == ("it said nothing after 'Hello, world!' but that the text ends",)


def test_who_is_asked_for_log_likelihoods_only_need_not_generate(make_config: MakeConfig, tmp_path: Path) -> None:
    mute = """
from transformers import LlamaForCausalLM

class Mute(LlamaForCausalLM):
    def generate(self, *args, **kwargs):
        raise NotImplementedError("no cache")
"""
    folder = write_model_with_code(tmp_path, "Mute", mute)
    model = {"name": str(folder), "trust_remote_code": True}
    result = model_test(prepared_session(make_config("tiny_choice", model=model)), ModelTest())
    assert result.warnings == ("it does not generate, which no benchmark asks for: NotImplementedError: no cache",)
    with pytest.raises(ModelTestFailed, match="does not generate: NotImplementedError: no cache"):
        model_test(prepared_session(make_config("tiny_choice,tiny_text", model=model)), ModelTest())


@pytest.mark.parametrize("longest", [2, 16, 32])
def test_a_short_model_says_less(make_config: MakeConfig, longest: int) -> None:
    result = model_test(prepared_session(make_config("tiny_text", model={"max_length": longest})), ModelTest())
    assert 0 < result.tokens <= longest // 2


def test_it_asks_as_the_evaluation_does(
    make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_logged_model(tmp_path / "model")
    monkeypatch.setenv(FORWARD_LOG, str(tmp_path / "prompts"))
    model = {"name": str(folder), "trust_remote_code": True}
    session = prepared_session(make_config("tiny_text", model=model, apply_chat_template=True))
    model_test(session, ModelTest())
    asked = set((tmp_path / "prompts").read_text().splitlines())
    said = [loaded_model(session).lm.tok_decode([int(token) for token in line.split()]) for line in asked]
    assert "[user] Hello, world!\n[assistant]" in said
    assert "Hello, world!" not in said
