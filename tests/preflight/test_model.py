"""What a model's own files say that it cannot do, as `benchy check` says it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchy.preflight.model import known_architectures
from tests.commands import benchy
from tests.hub.commands import hub_config
from tests.hub.models import tiny_llama, write_files

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256}
LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}


def check(folder: Path, files: dict[str, bytes], evaluation: dict[str, Any] | None = None, **model: Any) -> Any:
    """`benchy check` of a model in a folder."""
    write_files(tiny_llama() | files, folder / "model")
    return benchy("check", hub_config(folder, str(folder / "model"), evaluation=evaluation, **model), cwd=folder)


@pytest.mark.parametrize(
    ("files", "model", "code", "said"),
    [
        pytest.param({"model_type": "lama"}, {}, 7, 'knows no architecture "lama" (but llama)', id="unknown"),
        pytest.param(
            {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}},
            {},
            2,
            "model.trust_remote_code: true",
            id="code",
        ),
        pytest.param({"model_type": None}, {}, 7, "names no model_type", id="none"),
        pytest.param({}, {"max_length": 1024}, 2, "was made for 256 positions", id="positions"),
        pytest.param({"rope_scaling": YARN}, {"max_length": 1025}, 2, "was made for 1024 positions", id="too far"),
        pytest.param({"rope_scaling": YARN}, {"max_length": 1024}, 0, "", id="yarn"),
        pytest.param({"rope_parameters": {"full_attention": LINEAR}}, {"max_length": 512}, 0, "", id="of some layers"),
    ],
)
def test_a_config_that_cannot_work_is_refused(
    tmp_path: Path, files: dict[str, Any], model: dict[str, Any], code: int, said: str
) -> None:
    config = json.loads(tiny_llama()["config.json"]) | files
    done = check(tmp_path, {"config.json": json.dumps(config).encode()}, **model)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_own_code_is_all_right_once_it_is_trusted(tmp_path: Path) -> None:
    config = json.loads(tiny_llama()["config.json"]) | {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}
    done = check(tmp_path, {"config.json": json.dumps(config).encode()}, trust_remote_code=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("files", "asked", "code", "said"),
    [
        pytest.param({}, True, 2, "has no chat template", id="none"),
        pytest.param({"chat_template.jinja": b"{{ messages }}"}, True, 0, "", id="file"),
        pytest.param({"tokenizer_config.json": b'{"chat_template": "{{ messages }}"}'}, True, 0, "", id="tokenizer"),
        pytest.param({"additional_chat_templates/rag.jinja": b"x"}, "rag", 0, "", id="named"),
        pytest.param({"additional_chat_templates/rag.jinja": b"x"}, "tools", 2, "it has rag", id="other name"),
    ],
)
def test_a_chat_template_must_be_there(
    tmp_path: Path, files: dict[str, bytes], asked: bool | str, code: int, said: str
) -> None:
    done = check(tmp_path, files, {"apply_chat_template": asked})
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_the_architectures_are_those_that_transformers_itself_knows() -> None:
    """The names are read from its source: this compares them with the imported ones."""
    script = "from transformers import CONFIG_MAPPING; print(*CONFIG_MAPPING.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    known = known_architectures()
    assert known is not None
    assert set(done.stdout.split()) <= known
    assert "lama" not in known
