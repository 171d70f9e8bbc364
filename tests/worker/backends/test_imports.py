"""Libraries are imported before a model loads."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from benchy.errors import ModelLoadError
from benchy.worker.backends.imports import import_libraries
from tests.worker.conftest import MakeConfig

LOADS = """
import sys
from pathlib import Path
from benchy.config import BenchmarkConfig
from benchy.protocol import Prepare
from benchy.worker.loading import loaded_model
from benchy.worker.prepare import prepare
from benchy.worker.session import Session

session = Session(emit=lambda event: None)
prepare(session, Prepare(config=BenchmarkConfig.model_validate_json(sys.argv[1])))
before = set(sys.modules)
loaded_model(session)
print(len(set(sys.modules) - before))
"""


def test_loading_a_model_imports_little_but_the_model(make_config: MakeConfig) -> None:
    config = make_config().model_dump_json()
    done = subprocess.run([sys.executable, "-c", LOADS, config], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 400  # the architecture; not transformers, torch._dynamo, datasets


def test_a_back_end_that_is_not_there_is_found_before_anything_is_fetched(make_config: MakeConfig) -> None:
    with pytest.raises(ModelLoadError, match="nonsense"):
        import_libraries(make_config(model={"backend": "nonsense"}))


def test_vllm_says_how_to_get_it(make_config: MakeConfig) -> None:
    if importlib.util.find_spec("vllm"):
        pytest.skip("vllm is installed here")
    with pytest.raises(ModelLoadError, match="needs the package vllm") as caught:
        import_libraries(make_config(device="cuda", model={"backend": "vllm"}))
    assert "EXTRAS=vllm" in caught.value.hint
