"""A worker sees what finds programs, devices and caches, what the config names, and no secret."""

from __future__ import annotations

import pytest

from benchy.runtimes.passed_on import passed_on


@pytest.mark.parametrize(
    "name",
    [
        "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "PYTHONPATH",
        "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NCCL_DEBUG", "OMP_NUM_THREADS", "HF_HOME",
        "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_CACHE", "TOKENIZERS_PARALLELISM", "VLLM_USE_V1", "HTTPS_PROXY",
        "https_proxy", "no_proxy", "ALL_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "BENCHY_LOG_LEVEL",
        "PYTORCH_CUDA_ALLOC_CONF", "MALLOC_ARENA_MAX", "CC",
    ],
)  # fmt: skip
def test_what_a_worker_needs_is_passed_on(name: str) -> None:
    assert passed_on({name: "value"}, ()) == {name: "value"}


@pytest.mark.parametrize(
    "name",
    [
        "HF_TOKEN", "HF_UPLOAD_TOKEN", "HF_TOKENS", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "WANDB_API_KEY",
        "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "PGPASSWORD", "PREFECT_API_KEY", "PREFECT_API_URL", "SSH_AUTH_SOCK",
        "GITHUB_TOKEN", "VLLM_API_KEY", "HF_secret", "BENCHY_PASSWORD", "BENCHY_CREDENTIALS", "NVIDIA_API_KEY",
        "DOCKER_HOST", "MY_OWN", "PATHS", "path", "XHOME", "", "LC_", "HF_",
    ],
)  # fmt: skip
def test_a_secret_or_what_nobody_knows_stays_here(name: str) -> None:
    assert passed_on({name: "value"}, ()) == {}


def test_what_the_config_names_is_passed_on_whatever_it_is() -> None:
    host = {"MY_OWN": "1", "MY_TOKEN": "2", "PATH": "/bin", "OTHER": "3"}
    assert passed_on(host, ("MY_OWN", "MY_TOKEN", "NOT_SET")) == {"MY_OWN": "1", "MY_TOKEN": "2", "PATH": "/bin"}


def test_the_environment_itself_stays_as_it_is() -> None:
    host = {"PATH": "/bin", "HF_TOKEN": "hf_x"}
    found = passed_on(host, ())
    found["PATH"] = "changed"
    assert host == {"PATH": "/bin", "HF_TOKEN": "hf_x"}
