"""Ten of the signals that ``make kills`` sends to real runs, and which those 200 are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kills.grounds import made_grounds
from tests.kills.plan import PHASES, SIGNALS, VICTIMS, Blow, draw
from tests.kills.trial import Grounds, strike

SEED = 7
TEN = draw(10, 3)


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with made_grounds(tmp_path_factory.mktemp("kills")) as made:
        yield made


@pytest.mark.parametrize("blow", TEN, ids=str)
def test_a_signal_loses_changes_and_leaves_nothing(grounds: Grounds, blow: Blow) -> None:
    assert strike(blow, grounds).problems == ()


def test_ten_blows_reach_each_victim_in_each_phase_with_each_signal() -> None:
    assert {blow.victim for blow in TEN} == set(VICTIMS)
    assert {blow.phase for blow in TEN} == set(PHASES)
    assert {blow.signal for blow in TEN} == set(SIGNALS)


def test_two_hundred_blows_reach_each_victim_with_each_signal_in_each_phase() -> None:
    blows = draw(200, SEED)
    assert blows == draw(200, SEED)
    assert {(blow.victim, blow.phase) for blow in blows} == {(victim, phase) for victim in VICTIMS for phase in PHASES}
    assert {(blow.victim, blow.signal) for blow in blows} == {(victim, one) for victim in VICTIMS for one in SIGNALS}
