"""What each back end is and can do: a server's keeps the network and gets its key, another gets neither."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from benchy.backends import BACKENDS, find_backend
from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError
from benchy.preflight.checks import preflight
from benchy.protocol import Prepare
from benchy.runtimes.docker.options import container_options
from tests.commands import REPOSITORY
from tests.runtimes import A_RUN, launch

HOST = {"OPENAI_API_KEY": "sk-secret", "HOME": "/root"}


def config(backend: str, **container: Any) -> BenchmarkConfig:
    data = {"model": {"name": "x", "backend": backend}, "evaluation": {"tasks": "x"}, "container": container}
    return parse_config(data, source="test")


@pytest.mark.parametrize("backend", ["local-completions", "openai-chat-completions"])
def test_behind_a_server(backend: str) -> None:
    behind = config(backend)
    assert not launch(behind).goes_offline
    assert find_backend(behind.model.backend).server_keys(HOST) == {"OPENAI_API_KEY": "sk-secret"}
    request = Prepare(config=behind, server_keys=find_backend(behind.model.backend).server_keys(HOST))
    assert "sk-secret" not in repr(request)
    made = container_options(launch(behind), A_RUN, image_id="1", host=HOST, host_memory=10**9, gid=0, working_dir="/")
    assert "sk-secret" not in str(made), "docker inspect would show it"
    assert "NCCL_SOCKET_IFNAME" not in made.environment, "it is not cut off"


@pytest.mark.parametrize("backend", ["hf", "vllm"])
def test_in_the_worker(backend: str) -> None:
    assert launch(config(backend)).goes_offline
    assert not launch(config(backend, sandbox=False)).goes_offline
    assert find_backend(config(backend).model.backend).server_keys(HOST) == {}


def test_the_table_names_the_versions_that_the_extras_install() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    for row in BACKENDS.values():
        if row.minimum_version is not None:
            assert f"{row.package}>={row.minimum_version}" in extras[row.package or ""]


def test_lm_eval_knows_each_model_type_of_the_table() -> None:
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import model_registry

    known = set(model_registry)
    assert {row.lm_eval_name or row.name for row in BACKENDS.values()} <= known


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("no_such_package.there:ROW", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("benchy.backends:NO_ROW", "AttributeError"),
        ("benchy.backends:KEYS", "is a tuple, and no Backend"),
    ],
)
def test_what_is_no_back_end_of_another_package_is_said_in_preflight(address: str, says: str) -> None:
    brought = config(address)  # a record may name it, and reading one runs nobody's code
    with pytest.raises(ConfigError, match=re.escape(f'model.backend: "{address}"')) as caught:
        preflight(brought)
    assert says in caught.value.message


def test_ways_to_use_several_gpus_are_those_of_the_row() -> None:
    assert find_backend("hf").problem_with(["replicas"]) is None
    assert "num_concurrent" in str(find_backend("nobody-knows-it").problem_with(["replicas"]))
    assert "tensor_parallel_size" in str(find_backend("sglang").problem_with(["parallelize"]))
