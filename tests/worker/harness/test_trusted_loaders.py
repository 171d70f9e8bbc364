"""Whether code of a repository runs: as the config says, whatever is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchy.errors import ModelLoadError
from benchy.worker.harness.trusted_loaders import hold_to_trust, holding_loaders_to
from tests.hub.models import tiny_llama, write_files

_CODE = """
from transformers import PreTrainedTokenizerFast
class Own(PreTrainedTokenizerFast):
    pass
"""


@pytest.fixture(autouse=True)
def _trusting_afterwards() -> Iterator[None]:
    yield
    hold_to_trust(True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model whose tokenizer brings code; transformers has a class for it too."""
    write_files(tiny_llama() | {"own.py": _CODE.encode()}, tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))
    settings["auto_map"] = {"AutoTokenizer": [None, "own.Own"]}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return tmp_path


def test_lm_evals_helper_gets_transformers_own_class_unless_the_config_trusts_the_model(folder: Path) -> None:
    from lm_eval.tasks.ruler.common_utils import get_tokenizer

    hold_to_trust(False)
    with holding_loaders_to({"pretrained": str(folder)}):
        assert type(get_tokenizer(pretrained=str(folder))).__name__ != "Own"
    get_tokenizer.cache_clear()
    hold_to_trust(True)
    with holding_loaders_to({"pretrained": str(folder)}):
        assert type(get_tokenizer(pretrained=str(folder))).__name__ == "Own"


def test_a_way_into_the_code_that_does_not_ask_ends_at_the_second_wall(folder: Path) -> None:
    from transformers.dynamic_module_utils import get_class_from_dynamic_module

    hold_to_trust(False)
    with pytest.raises(ModelLoadError, match="which the config does not trust") as refused:
        get_class_from_dynamic_module("own.Own", str(folder))
    assert "model.trust_remote_code" in refused.value.hint
    hold_to_trust(True)
    assert get_class_from_dynamic_module("own.Own", str(folder)).__name__ == "Own"


def test_a_loader_takes_the_runs_commit_from_the_cache() -> None:
    import transformers

    asked: list[dict[str, object]] = []

    def from_pretrained(name: str, **options: object) -> str:
        asked.append(options)
        return name

    before = vars(transformers.AutoTokenizer)["from_pretrained"]
    transformers.AutoTokenizer.from_pretrained = staticmethod(from_pretrained)
    try:
        with holding_loaders_to({"pretrained": "org/tiny", "revision": "abc"}):
            transformers.AutoTokenizer.from_pretrained("org/tiny", trust_remote_code=True)
            transformers.AutoTokenizer.from_pretrained("org/other")
    finally:
        transformers.AutoTokenizer.from_pretrained = before
    assert asked == [{"trust_remote_code": True, "revision": "abc", "local_files_only": True}, {}]
