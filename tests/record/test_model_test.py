"""What a model test measured is checked when it is made, and what follows from it is computed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from benchy.record import GpuUse, ModelTestResult
from tests.records import make_model_test

USE = GpuUse(
    uuid="GPU-1",
    samples=3,
    utilization_mean=0.5,
    utilization_peak=1.0,
    memory_mean_bytes=None,
    memory_peak_bytes=None,
    power_mean_watts=None,
    power_peak_watts=None,
    energy_kwh=None,
)


def test_the_size_is_in_gb_of_1024_cubed() -> None:
    result = make_model_test("m")
    assert ModelTestResult(**dict(result) | {"size_bytes": 3 * 1024**3}).size_gb == 3
    assert ModelTestResult(**dict(result) | {"size_bytes": None}).size_gb is None


def test_the_speed_is_of_what_the_model_said() -> None:
    result = make_model_test("m")
    assert result.tokens_per_second == pytest.approx(5 / 0.2)
    assert ModelTestResult(**dict(result) | {"generation_seconds": 0.0}).tokens_per_second == 0


def test_what_the_gpus_did_is_added_and_the_rest_stays() -> None:
    result = make_model_test("m")
    used = result.with_gpu_use((USE,))
    assert used.gpu_use == (USE,)
    assert used.with_gpu_use(None) == result


@pytest.mark.parametrize(
    "changes", [{"peak_memory_of": "disk"}, {"parameters": "many"}, {"unknown": 1}, {"warnings": (5,)}]
)
def test_another_form_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelTestResult(**dict(make_model_test("m")) | changes)
