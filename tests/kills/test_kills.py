"""Ten signals of the two hundred that ``make kills`` sends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kills.grounds import made_grounds
from tests.kills.plan import PHASES, SIGNALS, VICTIMS, Blow, draw
from tests.kills.trial import Grounds, strike

SEED = 7


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with made_grounds(tmp_path_factory.mktemp("kills")) as made:
        yield made


def test_two_hundred_blows_reach_each_victim_with_each_signal_in_each_phase() -> None:
    blows = draw(200, SEED)
    assert blows == draw(200, SEED)
    assert {(blow.victim, blow.phase) for blow in blows} == {(victim, phase) for victim in VICTIMS for phase in PHASES}
    assert {(blow.victim, blow.signal) for blow in blows} == {(victim, one) for victim in VICTIMS for one in SIGNALS}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("blow", draw(10, SEED), ids=str)
def test_a_blow_loses_changes_leaves_and_hangs_nothing(blow: Blow, grounds: Grounds) -> None:
    outcome = strike(blow, grounds)
    assert not outcome.problems, outcome
