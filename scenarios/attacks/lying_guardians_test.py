"""Guardians that lie: of the three of each ward one invents, holds back, or drops what it said it keeps.

    ./dev pytest scenarios/attacks/lying_guardians_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

AUTHORS, WARDS, POSTS = 5, 3, 12
MANNERS = ["forging_guardian", "withholding_guardian", "forgetful_guardian"]


@pytest.mark.parametrize("authors", ["living", "dead"])
@pytest.mark.parametrize("behaviour", MANNERS)
@pytest.mark.seeds(per_commit=2, nightly=20)
def test_one_of_three_guardians_lies_and_nothing_is_lost(net: np2p.Simulation, behaviour: str, authors: str) -> None:
    """The authors are gone for good when the wards are back, or are there: then nobody waits for them."""
    friends = net.add_nodes(2, nat="none", mode="multicast")
    friends += net.add_nodes(1, nat="none", mode="multicast", behaviour=behaviour)
    posting = net.add_nodes(AUTHORS, nat="none", mode="multicast")
    wards = net.add_nodes(WARDS, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    for ward in wards:
        ward.follow(*friends, *posting)
    for friend in friends:
        friend.follow(*wards)
    assert net.eventually(lambda: all(net.status(ward)["guardians"] == 3 for ward in wards), within=minutes(5))
    net.run_for(minutes(1))
    for ward in wards:
        ward.power_off()
    notes = []
    for number in range(POSTS):
        notes += [author.post(f"missed {number}") for author in posting]
        net.run_for(seconds(30))
    net.run_for(minutes(3))
    if authors == "dead":
        for author in posting:
            author.power_off()
        net.run_for(minutes(2))
    before = net.traffic()["bytes_in"][[ward.index for ward in wards]].sum()
    for ward in wards:
        ward.restart()
    back = net.now
    complete = net.eventually(
        lambda: all(set(notes) <= set(ward.timeline()) for ward in wards), within=minutes(10), every=seconds(1)
    )
    took = net.now - back
    fetched = net.traffic()["bytes_in"][[ward.index for ward in wards]].sum() - before
    lost = sum(len(set(notes) - set(ward.timeline())) for ward in wards)
    print(
        f"\n{behaviour}, authors {authors}, seed {net.seed}: {lost} of {WARDS * len(notes)} posts lost; all there after "
        f"{took:.0f} s, {fetched / WARDS / 1000:.0f} kB received by each"
    )
    assert complete and lost == 0
    assert took <= 60, "a liar made them wait"


@pytest.mark.seeds(per_commit=1, nightly=20)
def test_a_guardian_whose_disk_loses_the_last_second_costs_nothing(net: np2p.Simulation) -> None:
    """The first guardian says "kept", loses power at once and has lost it; the author dies a minute later."""
    friends = net.add_nodes(3, nat="none", mode="multicast", behaviour="lying_disk")
    author, *_ = net.add_nodes(3, nat="none", mode="multicast")
    ward = net.add_node(nat="port_restricted", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward.follow(author, *friends)
    for friend in friends:
        friend.follow(ward)
    assert net.eventually(lambda: net.status(ward)["guardians"] == 3, within=minutes(5))
    net.run_for(minutes(1))
    ward.power_off()
    net.run_for(minutes(2))
    note = author.post("kept, it says")
    assert net.eventually(lambda: net.status(author)["mail_posted"] == 1, within=minutes(2), every=seconds(0.1))
    keeper = next(friend for friend in friends if net.status(friend)["mail_letters"] == 1)
    keeper.power_off()
    net.run_for(seconds(5))
    keeper.restart()
    assert net.status(keeper)["mail_letters"] == 0, "its disk did not lie"
    net.run_for(minutes(1))
    author.power_off()
    net.run_for(minutes(2))
    ward.restart()
    assert net.eventually(lambda: ward.has(note), within=minutes(2))
