"""What comes from the Hub, and the token for it, on the way to the worker that runs code of benchmarks and models."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ModelLoadError
from benchy.record import Facts
from benchy.runs.opening import open_run
from tests.hub.data_sets import arc_easy
from tests.hub.fixtures import loopback_hub
from tests.hub.models import tiny_llama
from tests.hub.repositories import Repository
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]

_TOKENIZER = """
import os
from pathlib import Path
from transformers import PreTrainedTokenizerFast
Path(os.environ["BENCHY_TEST_FOLDER"], "ran").touch()
class Own(PreTrainedTokenizerFast):
    pass
"""
_HELPER = """
import os, re
from pathlib import Path
import datasets
from lm_eval.tasks.ruler.common_utils import get_tokenizer

def memory():
    for start, end, rights in re.findall(r"^(\\w+)-(\\w+) (rw)", Path("/proc/self/maps").read_text(), re.MULTILINE):
        with open("/proc/self/mem", "rb") as file:
            file.seek(int(start, 16))
            try:
                yield file.read(int(end, 16) - int(start, 16))
            except OSError:
                continue

def rest(part, match):
    return bytes(byte ^ 1 for byte in part[match.end() : match.end() + 8])

def build(**arguments):
    folder = Path(os.environ["BENCHY_TEST_FOLDER"])
    begin, masked = (folder / "begin").read_bytes(), (folder / "masked").read_bytes()
    found = [part for part in memory() for match in re.finditer(re.escape(begin), part) if rest(part, match) == masked]
    (folder / "seen").write_text(f"{len(found)} {'HF_TOKEN' in os.environ}")
    get_tokenizer(arguments.get("tokenizer"), arguments.get("pretrained"))
    return {"test": datasets.Dataset.from_list([{"q": "a", "a": "b"}])}
"""
_TASK = """
task: as_ruler
custom_dataset: !function helper.build
test_split: test
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
metric_list: [{metric: exact_match}]
"""


@pytest.fixture
def config(loopback_hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BenchmarkConfig:
    """Return a private model whose tokenizer brings code, lm-eval's own helper that asks for it, and a dataset."""
    files = tiny_llama()
    settings = json.loads(files["tokenizer_config.json"]) | {"auto_map": {"AutoTokenizer": [None, "own.Own"]}}
    files |= {"tokenizer_config.json": json.dumps(settings).encode(), "own.py": _TOKENIZER.encode()}
    repository = loopback_hub.add_repository("org/tiny", files)
    repository.private = True
    repository.accepted.add("reader")
    loopback_hub.add_repository("allenai/ai2_arc", arc_easy(), repo_type="dataset")
    (tasks := tmp_path / "tasks").mkdir()
    (tasks / "helper.py").write_text(_HELPER, encoding="utf-8")
    (tasks / "as_ruler.yaml").write_text(_TASK, encoding="utf-8")
    token = loopback_hub.add_user("reader")
    (tmp_path / "begin").write_bytes(token[:-8].encode())
    (tmp_path / "masked").write_bytes(bytes(byte ^ 1 for byte in token[-8:].encode()))
    for name, value in loopback_hub.environment(tmp_path / "hf", token=token).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BENCHY_TEST_FOLDER", str(tmp_path))
    evaluation = {"tasks": ["as_ruler", "arc_easy"], "include_path": str(tasks), "device": "cpu"}
    evaluation["output_path"] = str(tmp_path / "outputs")
    sections = {"model": {"name": "org/tiny"}, "evaluation": evaluation, "logging": {"log_dir": str(tmp_path / "logs")}}
    return parse_config(sections, source="test")


def run_model_test(config: BenchmarkConfig, commit: str) -> str:
    """Return the run's log."""
    with open_run(config, Facts(commit=commit)) as run:
        assert run.model_test().generated
        assert run.record.model is not None
        assert run.record.model.commit == commit
        assert list(run.record.data_sets) == (["allenai/ai2_arc"] if config.evaluation.tasks else [])
    return run.log.path.read_text("utf-8")


def repository_of(hub: LoopbackHub) -> Repository:
    return hub.repositories["model", "org/tiny"]


def test_code_of_benchmarks_meets_no_token_and_no_code_of_a_model_that_is_not_trusted(
    config: BenchmarkConfig, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    run_model_test(config, repository_of(loopback_hub).head)
    assert (tmp_path / "seen").read_text("utf-8") == "0 False"
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def config_of_a_model_test(config: BenchmarkConfig) -> BenchmarkConfig:
    """Return the same without benchmarks, which take longer."""
    return config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"tasks": ()})})


def test_weights_that_were_edited_in_the_cache_are_fetched_again(
    config_of_a_model_test: BenchmarkConfig, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    commit = repository_of(loopback_hub).head
    run_model_test(config_of_a_model_test, commit)
    # the size and the time of the change stay
    blobs = tmp_path / "hf" / "hub" / "models--org--tiny" / "blobs"
    weights = max(blobs.iterdir(), key=lambda path: path.stat().st_size)
    before, content = weights.stat(), weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\0")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    loopback_hub.seen.clear()
    log = run_model_test(config_of_a_model_test, commit)
    assert "Fetching model.safetensors again: not what the Hub's hash says" in log
    assert loopback_hub.content_bytes == len(content)
    assert weights.read_bytes() == content


def test_weights_that_were_edited_are_refused_where_they_cannot_be_fetched_again(
    config_of_a_model_test: BenchmarkConfig,
    loopback_hub: LoopbackHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = repository_of(loopback_hub).head
    run_model_test(config_of_a_model_test, commit)
    blobs = tmp_path / "hf" / "hub" / "models--org--tiny" / "blobs"
    weights = max(blobs.iterdir(), key=lambda path: path.stat().st_size)
    weights.write_bytes(bytes(weights.stat().st_size))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelLoadError, match=r"model.safetensors of org/tiny is in the cache, and is not what"):
        run_model_test(config_of_a_model_test, commit)
