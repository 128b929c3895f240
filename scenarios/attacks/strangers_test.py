"""Followers who name strangers as their guardians, which would get them a lease of a month, and the strangers mail.

    ./dev pytest scenarios/attacks/strangers_test.py -s
"""

from __future__ import annotations

import pytest

import np2p
from np2p import hours, minutes

POSTS = 10


@pytest.mark.untraced
@pytest.mark.seeds(per_commit=3, nightly=20)
def test_who_names_strangers_as_guardians_gains_nothing(net: np2p.Simulation) -> None:
    """Beside them somebody who is away and has guardians that agreed: nothing of what is theirs is lost."""
    public = net.add_nodes(10, nat="none", mode="multicast")
    author, friends = public[0], public[1:4]
    ward = net.add_node(nat="port_restricted", mode="multicast")
    liars = net.add_nodes(4, nat="none", mode="multicast", behaviour="naming_follower")
    liars += net.add_nodes(2, nat="symmetric", mode="multicast", behaviour="naming_follower")
    net.bootstrap(within=minutes(5))
    ward.follow(author, *friends)
    for friend in friends:
        friend.follow(ward)
    for liar in liars:
        liar.follow(author)
    net.run_for(minutes(5))
    assert net.status(ward)["guardians"] == 3
    assert net.status(author)["followers"] == 1 + len(liars)
    for node in (ward, *liars):
        node.power_off()
    notes = []
    for number in range(POSTS):
        notes.append(author.post(f"missed {number}"))
        net.run_for(minutes(2))
    net.run_for(minutes(5))
    others = [node for node in public if node is not author]
    refused = sum(net.rejections(node).get("mail forbidden", 0) for node in others)
    letters = sum(int(net.status(node)["mail_letters"]) for node in others)
    struck = net.rejections(author).get("guardian forbidden", 0)
    net.run_for(hours(25))
    followers = net.status(author)["followers"]
    asked_for_good = net.rejections(author).get("guardian forbidden", 0)
    ward.restart()
    came = net.eventually(lambda: set(notes) <= set(ward.timeline()), within=minutes(5))
    print(
        f"\nseed {net.seed}: {len(liars)} followers named strangers, {struck} refusals ({asked_for_good} after a day); "
        f"{refused} letters left with who had not agreed, {letters} with who had; a day later {followers} follower left"
    )
    assert asked_for_good >= len(liars), "nobody was named"
    assert refused == 0
    assert letters == 2 * POSTS
    assert followers == 1, "only who has guardians is waited for"
    assert came
