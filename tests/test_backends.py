"""A model behind a server keeps the network and gets its key; a model that runs its own code gets neither."""

from __future__ import annotations

from typing import Any

import pytest

from benchy.backends import server_keys
from benchy.config import BenchmarkConfig, parse_config
from benchy.protocol import Prepare
from benchy.runtimes.docker.options import container_options
from benchy.runtimes.launch import goes_offline
from tests.runtimes import A_RUN

HOST = {"OPENAI_API_KEY": "sk-secret", "HOME": "/root"}


def config(backend: str, **container: Any) -> BenchmarkConfig:
    data = {"model": {"name": "x", "backend": backend}, "evaluation": {"tasks": "x"}, "container": container}
    return parse_config(data, source="test")


@pytest.mark.parametrize("backend", ["local-completions", "openai-chat-completions"])
def test_behind_a_server(backend: str) -> None:
    behind = config(backend)
    assert not goes_offline(behind)
    assert server_keys(behind.model.backend, HOST) == {"OPENAI_API_KEY": "sk-secret"}
    request = Prepare(config=behind, server_keys=server_keys(behind.model.backend, HOST))
    assert "sk-secret" not in repr(request)
    made = container_options(
        behind, A_RUN, role="model", image_id="1", host=HOST, host_memory=10**9, gid=0, working_dir="/"
    )
    assert "sk-secret" not in str(made), "docker inspect would show it"
    assert "NCCL_SOCKET_IFNAME" not in made.environment, "it is not cut off"


@pytest.mark.parametrize("backend", ["hf", "vllm"])
def test_in_the_worker(backend: str) -> None:
    assert goes_offline(config(backend))
    assert not goes_offline(config(backend, sandbox=False))
    assert server_keys(config(backend).model.backend, HOST) == {}
