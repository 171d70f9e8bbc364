"""`benchy check` against a loopback Hub: what it finds, what it says, and what reached the wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import NOBODY_LISTENS, benchy
from tests.hub.commands import benchy_on, hub_config
from tests.hub.fixtures import loopback_hub
from tests.hub.models import safetensors_header, tiny_llama, write_files
from tests.hub.server import LoopbackHub

__all__ = ["loopback_hub"]


def test_what_a_model_takes_is_known_from_its_config_and_its_headers(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    files = tiny_llama(num_hidden_layers=0)
    weights = safetensors_header(
        model__embed_tokens__weight=("BF16", (1000, 500)),
        model__norm__weight=("F32", (500,)),
        lm_head__weight=("F32", (249, 500)),
    )
    repository = loopback_hub.add_repository("org/tiny", files | {"model.safetensors": weights})
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"Commit: {repository.head}" in done.stdout
    assert "Parameters: 625,000 (" in done.stdout
    assert loopback_hub.count("/api/models/org/tiny") == 1
    # the config, and the first 100 kB of 1.5 MB of weights
    assert loopback_hub.content_bytes == len(files["config.json"]) + 100_001


def test_a_missing_model_is_named_with_its_nearest_names(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny-llama", tiny_llama())
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path, "org/tiny-lama"))
    assert done.returncode == 4
    assert "ModelNotFound: the Hub shows no model org/tiny-lama" in done.stderr
    assert "did you mean org/tiny-llama?" in done.stderr
    assert loopback_hub.count("/resolve/") == 0


def test_a_missing_revision_is_named_with_those_that_exist(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama()).commit({}, branch="float16")
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path, revision="float61"))
    assert done.returncode == 4
    assert 'org/tiny has no revision "float61"' in done.stderr
    assert "float16" in done.stderr


def test_a_private_model_looks_missing_and_the_token_is_named(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = loopback_hub.add_repository("org/tiny", tiny_llama())
    repository.private = True
    without = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert without.returncode == 4
    assert "set HF_TOKEN or run `hf auth login`" in without.stderr
    token = loopback_hub.add_user("ada")
    repository.accepted.add("ada")
    assert benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path), token=token).returncode == 0


def test_a_gated_model_lists_its_files_and_is_refused_all_the_same(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = loopback_hub.add_repository("org/tiny", tiny_llama())
    repository.gated = True
    token = loopback_hub.add_user("ada")
    page = f"{loopback_hub.endpoint}/org/tiny"

    without = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert without.returncode == 5
    assert f"accept its terms at {page}, then set HF_TOKEN" in without.stderr

    not_accepted = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path), token=token)
    assert not_accepted.returncode == 5
    assert 'the account "ada" has no access' in not_accepted.stderr
    assert page in not_accepted.stderr

    repository.accepted.add("ada")
    assert benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path), token=token).returncode == 0


def test_a_wrong_token_is_refused_at_the_first_request(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path), token="hf_wrong")  # noqa: S106
    assert done.returncode == 5
    assert "AccessDenied: the Hub does not accept the token in HF_TOKEN" in done.stderr
    assert loopback_hub.count() == 1


def test_the_token_that_hf_auth_login_stored_is_used(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    repository = loopback_hub.add_repository("org/tiny", tiny_llama())
    repository.gated = True
    repository.accepted.add("ada")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text(loopback_hub.add_user("ada"), encoding="utf-8")
    assert benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path)).returncode == 0
    (tmp_path / "hf" / "token").write_text("hf_old", encoding="utf-8")
    stale = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert stale.returncode == 5
    assert "the token that `hf auth login` stored" in stale.stderr


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        pytest.param({}, 4, "org/tiny holds no weights", id="none"),
        pytest.param(
            {"tiny.Q4_K_M.gguf": b"GGUF"}, 7, 'model.args.gguf_file to one of its files, e.g. "tiny', id="gguf"
        ),
        pytest.param({"flax_model.msgpack": b"x"}, 7, 'none that "hf" can load: flax_model.msgpack', id="flax"),
        pytest.param({"onnx/model.onnx": b"x"}, 7, 'none that "hf" can load: onnx/model.onnx', id="onnx"),
    ],
)
def test_weights_must_be_there_in_a_format_that_loads(
    loopback_hub: LoopbackHub, tmp_path: Path, files: dict[str, bytes], code: int, said: str
) -> None:
    loopback_hub.add_repository("org/tiny", {"config.json": b"{}"} | files)
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert done.returncode == code
    assert said in done.stderr


def test_a_folder_is_checked_by_the_same_rules(tmp_path: Path) -> None:
    folder = write_files({"config.json": b'{"model_type": "llama"}', "tf_model.h5": b"x"}, tmp_path / "model")
    refused = benchy("check", hub_config(tmp_path, str(folder)), cwd=tmp_path)
    assert refused.returncode == 7
    assert "tf_model.h5" in refused.stderr
    write_files(tiny_llama(), folder)
    assert benchy("check", hub_config(tmp_path, str(folder)), cwd=tmp_path).returncode == 0


def test_a_hub_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    done = benchy("check", hub_config(tmp_path), cwd=tmp_path, HF_HUB_OFFLINE="0")
    assert done.returncode == 11
    assert f"NetworkError: the Hub at {NOBODY_LISTENS} cannot be reached" in done.stderr
    assert "HF_HUB_OFFLINE=1" in done.stderr


def test_troubles_that_pass_are_waited_for(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    loopback_hub.fail("GET /api/models/org/tiny", status=503, times=1)
    loopback_hub.fail("GET /api/models/org/tiny", status=429, times=1, retry_after=1)
    loopback_hub.fail("HEAD .*/resolve/", status=502, times=1)
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert done.returncode == 0, done.stderr
    assert loopback_hub.count("/api/models/org/tiny") == 3
    assert loopback_hub.count("HEAD .*/resolve/") == 2


@pytest.mark.parametrize(("status", "said"), [(503, "the Hub is in trouble: 503"), (429, "limits the rate")])
def test_troubles_that_stay_end_as_a_network_error(
    loopback_hub: LoopbackHub, tmp_path: Path, status: int, said: str
) -> None:
    loopback_hub.fail("GET /api/models/org/tiny", status=status, retry_after=0)
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert done.returncode == 11
    assert said in done.stderr
    assert loopback_hub.count("/api/models/org/tiny") == 5


@pytest.mark.parametrize(("status", "said"), [(413, "publish less of it"), (402, "billing settings"), (418, "look at")])
def test_what_the_hub_refuses_is_no_trouble_of_the_network(
    loopback_hub: LoopbackHub, tmp_path: Path, status: int, said: str
) -> None:
    """It said "check the network"."""
    loopback_hub.fail("GET /api/models/org/tiny", status=status)
    done = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path))
    assert done.returncode == 11
    assert f"the Hub answered {status}" in done.stderr
    assert said in done.stderr
    assert "check the network" not in done.stderr
    assert loopback_hub.count("/api/models/org/tiny") == 1


def test_offline_only_the_cache_is_asked(loopback_hub: LoopbackHub, tmp_path: Path) -> None:
    loopback_hub.add_repository("org/tiny", tiny_llama())
    unknown = benchy_on(loopback_hub, tmp_path, "check", hub_config(tmp_path), HF_HUB_OFFLINE="1")
    assert unknown.returncode == 11
    assert "unset HF_HUB_OFFLINE to fetch it" in unknown.stderr
    assert loopback_hub.count() == 0
