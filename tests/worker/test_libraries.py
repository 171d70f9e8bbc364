"""Libraries are imported before a model loads, and the collector is as before."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from benchy.errors import ModelLoadError
from benchy.worker.libraries import collecting_no_garbage, import_libraries
from tests.worker.conftest import MakeConfig

LOADS = """
import sys
from pathlib import Path
from benchy.config import BenchmarkConfig
from benchy.protocol import Prepare
from benchy.worker.model import loaded_model
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


def fail_to_import() -> None:
    with collecting_no_garbage():
        assert not gc.isenabled()
        raise ImportError


def test_garbage_is_collected_again_also_after_a_failure() -> None:
    with pytest.raises(ImportError):
        fail_to_import()
    assert gc.isenabled()
