"""Which signals ``make kills`` sends; the trials themselves take half an hour, and are run by that command alone."""

from __future__ import annotations

from tests.kills.plan import PHASES, SIGNALS, VICTIMS, draw

SEED = 7


def test_two_hundred_blows_reach_each_victim_with_each_signal_in_each_phase() -> None:
    blows = draw(200, SEED)
    assert blows == draw(200, SEED)
    assert {(blow.victim, blow.phase) for blow in blows} == {(victim, phase) for victim in VICTIMS for phase in PHASES}
    assert {(blow.victim, blow.signal) for blow in blows} == {(victim, one) for victim in VICTIMS for one in SIGNALS}
