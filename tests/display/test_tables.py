"""What a person reads of a run fits a terminal."""

from __future__ import annotations

import pytest

from benchy.display.tables import gpu_rows
from benchy.display.terminal import print_table
from benchy.record import GpuUse
from tests.records import make_model_test, make_record


def test_the_use_of_a_gpu_fits_into_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    use = GpuUse(
        uuid="GPU-5a1c2b3d-0123-4567-89ab-0123456789ab",
        samples=9,
        utilization_mean=1.0,
        utilization_peak=1.0,
        memory_mean_bytes=139 * 1024**3,
        memory_peak_bytes=140 * 1024**3,
        power_mean_watts=690.0,
        power_peak_watts=701.0,
        energy_kwh=0.9876,
    )
    record = make_record(model_test=make_model_test("x").model_copy(update={"gpu_use": (use,)}))
    (row,) = gpu_rows(record)
    print_table([row], title="GPU use")
    shown = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in shown) <= 80
    assert row["GPU"] == "GPU-5a1c2b3d"
    assert row["memory (peak)"] == "139.0 (140.0) GB"
    assert row["energy"] == "987.6 Wh"
