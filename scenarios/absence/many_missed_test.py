"""Back after ten thousand missed events: hardly anything comes twice, though two guardians have all of it and the
authors hear that somebody is back.

    ./dev pytest scenarios/absence/many_missed_test.py -s --net=sim
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import np2p

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), str(HERE / "experiments")]

import absence_measure  # noqa: E402
from absence_points import Ask  # noqa: E402

MISSED = 10_000
AGAIN_B = 100_000  # where it was 3.5 MB: a part under way (96 kB) may meet what came from elsewhere
PATIENCE = 9.4  # seconds, twice the 4.7 that it took before


@pytest.mark.seeds(per_commit=1, nightly=5)
@pytest.mark.untraced
def test_ten_thousand_events_come_once(net: np2p.Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence_measure, "LATER", 60.0)
    point = absence_measure.measure(Ask(MISSED, net.seed), lambda _: None)
    print(
        f"\nseed {net.seed}: {point.got:,} of {MISSED:,} events came, the last {point.complete_s:.1f} s after the return; "
        f"{point.duplicate_B:,} bytes were of events that were there"
    )
    assert point.got == MISSED
    assert point.duplicate_B <= AGAIN_B
    assert point.complete_s <= PATIENCE
