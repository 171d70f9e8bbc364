"""What a GPU cannot compute, as the driver of this host describes it; `nvidia-smi` is a script here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from benchy.checkpoint.config_file import ConfigFile
from benchy.config import BenchmarkConfig, parse_config
from benchy.errors import ConfigError
from benchy.gpus.nvidia_smi import Gpu
from benchy.preflight.device import check_dtype
from tests.commands import DEMO, REPOSITORY, benchy, write_config

T4, A100, H100 = (
    Gpu(index, f"GPU-{index}", "A GPU", 16_384, 16_384, (), able) for index, able in enumerate(((7, 5), (8, 0), (9, 0)))
)
FP8 = {"dtype": "bfloat16", "quantization_config": {"quant_method": "fp8"}}


def config(device: str = "cuda", performance: dict[str, Any] | None = None, **model: Any) -> BenchmarkConfig:
    data = {"model": {"name": "x", **model}, "evaluation": {"tasks": "t", "device": device}}
    return parse_config(data | {"performance": performance or {}}, source="test")


@pytest.mark.parametrize(
    ("asked", "model", "gpus", "said"),
    [
        (config(dtype="bfloat16"), {}, (A100, T4), "GPU 0 has compute capability 7.5, and bfloat16 needs 8.0"),
        (config(), {"torch_dtype": "bfloat16"}, (T4,), "emulated, and slow"),
        (config(dtype="float16"), {"dtype": "bfloat16"}, (T4,), None),
        (config(dtype="bfloat16"), {}, (A100, H100), None),
        (config(dtype="bfloat16"), {}, (), None),
        (config(), FP8, (A100,), "expanded to bfloat16, and take twice the memory"),
        (config(), FP8, (H100,), None),
    ],
)
def test_what_works_but_slowly_is_a_warning(
    asked: BenchmarkConfig, model: dict[str, Any], gpus: tuple[Gpu, ...], said: str | None
) -> None:
    warning = check_dtype(asked, ConfigFile.parse(model), gpus)
    assert warning is None if said is None else said in str(warning)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (config(dtype="bfloat16", backend="vllm"), "vllm computes bfloat16 from 8.0 on"),
        (config(performance={"use_accelerate": True, "mixed_precision": "fp8"}), "fp8, which needs 8.9"),
        (config("mps", dtype="float64"), "does not exist on mps"),
    ],
)
def test_what_cannot_work_is_refused(asked: BenchmarkConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_dtype(asked, ConfigFile.parse({}), (T4,))


def test_the_driver_is_asked_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text(
        "#!/bin/sh\necho '0, GPU-a, Tesla T4, 16384, 16000, 7.5'\necho '1, GPU-b, H100, 81920, 81000, 9.0'\n",
        encoding="utf-8",
    )
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings: dict[str, Any] = {
        "model": {"name": str(DEMO / "model"), "dtype": "bfloat16"},
        "evaluation": {"device": "cuda"},
    }
    done = benchy("check", write_config(tmp_path, **settings), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert "⚠️ GPU 0 has compute capability 7.5" in done.stdout
    vllm = settings | {"model": settings["model"] | {"backend": "vllm"}}
    refused = benchy("check", write_config(tmp_path, **vllm), cwd=REPOSITORY)
    assert (refused.returncode, "set model.dtype: float16" in refused.stderr) == (2, True), refused.stderr
