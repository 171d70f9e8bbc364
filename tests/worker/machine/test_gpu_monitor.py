"""What the GPUs did: the arithmetic on plain samples, the thread that takes them, and nothing where there is no GPU."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field

import pytest

from benchy.display.tables import gpu_rows
from benchy.worker.machine.gpu_monitor import GpuWatch, Sample, summarize, watch_gpus
from tests.records import make_model_test, make_record
from tests.worker.conftest import MakeConfig

KWH = 3.6e6


def test_mean_peak_and_the_energy_of_the_counter() -> None:
    samples = [
        Sample(at=0.0, utilization=0.0, memory_bytes=100, power_watts=50.0, energy_joules=7_000_000.0),
        Sample(at=1.0, utilization=1.0, memory_bytes=300, power_watts=400.0, energy_joules=7_000_300.0),
        Sample(at=2.0, utilization=0.5, memory_bytes=200, power_watts=150.0, energy_joules=7_000_720.0),
    ]
    use = summarize("GPU-1", samples)
    assert (use.samples, use.utilization_mean, use.utilization_peak) == (3, 0.5, 1.0)
    assert (use.memory_mean_bytes, use.memory_peak_bytes) == (200, 300)
    assert (use.power_mean_watts, use.power_peak_watts) == (200.0, 400.0)
    assert use.energy_kwh == 720 / KWH


def test_without_a_counter_the_energy_is_the_power_over_time() -> None:
    powers = [(0.0, 100.0), (1.0, 300.0), (4.0, 100.0)]
    use = summarize("GPU-1", [Sample(at=at, power_watts=watts) for at, watts in powers])
    assert use.energy_kwh == (1 * 200 + 3 * 200) / KWH


def test_what_a_gpu_does_not_tell_is_absent_and_not_zero() -> None:
    use = summarize("GPU-1", [Sample(at=0.0, memory_bytes=5), Sample(at=1.0, memory_bytes=7)])
    assert (use.utilization_mean, use.power_peak_watts, use.energy_kwh) == (None, None, None)
    record = make_record(model_test=make_model_test("x").model_copy(update={"gpu_use": (use,)}))
    assert gpu_rows(record) == [
        {
            "step": "model_test",
            "GPU": "GPU-1",
            "use (peak)": "",
            "memory (peak)": "0.0 (0.0) GB",
            "power (peak)": "",
            "energy": "",
        }
    ]
    restarted = summarize("GPU-1", [Sample(at=0.0, energy_joules=9.0), Sample(at=1.0, energy_joules=1.0)])
    assert restarted.energy_kwh is None, "the driver was loaded anew in between"


@dataclass
class Counting:
    """A GPU that draws 1 W more at each look, and is lost after some."""

    uuid: str
    looks: int
    third: threading.Event = field(default_factory=threading.Event)
    count: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def look(self) -> Sample:
        number = next(self.count)
        if number == 3:
            self.third.set()
        if number > self.looks:
            raise OSError("GPU is lost")
        return Sample(at=float(number), power_watts=float(number))


def test_it_looks_at_the_beginning_in_between_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    whole, lost = Counting("GPU-1", looks=10**9), Counting("GPU-2", looks=2)
    with GpuWatch([whole, lost], seconds=0.01) as watch:
        assert whole.third.wait(60)
    assert watch.use is not None
    first, second = watch.use
    assert first.samples >= 4, "three while it ran, and one at the end"
    assert first.power_peak_watts == first.samples
    assert (second.uuid, second.samples) == ("GPU-2", 2)
    assert "GPU-2: its use is not recorded any more: GPU is lost" in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name == "GPU use"]


def test_where_there_is_no_gpu_nothing_is_recorded(make_config: MakeConfig) -> None:
    for device in ("cpu", "cuda"):  # the tests hide every GPU
        with watch_gpus(make_config(device=device)) as watch:
            pass
        assert watch.use is None
