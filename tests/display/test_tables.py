"""What a person reads of a run fits a terminal."""

from __future__ import annotations

import pytest

from benchy.display.tables import facts_lines, gpu_rows, warning_lines
from benchy.display.terminal import print_table
from benchy.record import Facts, GpuUse
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


def test_no_word_of_a_model_or_its_worker_moves_the_cursor() -> None:
    facts = Facts(base="org/base\x1b[2J", warnings=("a config of the model's own: \x1b[2J\n✅ all is well",))
    lines = [*facts_lines(facts), *warning_lines(["of a worker: \x1b[2J"])]
    assert "\x1b" not in "".join(lines)
    assert len(lines) == 3  # and none looks like a line of Benchy's own
    assert not any("\n" in line for line in lines)
