"""Who was away collects from guardians what authors posted meanwhile, also of authors who are gone for good."""

from __future__ import annotations

import pytest

import np2p
from np2p import days, hours, minutes, seconds


def _letters(net: np2p.Network) -> int:
    return sum(net.status(node)["mail_letters"] for node in net.nodes if node.online)


@pytest.mark.untraced
@pytest.mark.parametrize(
    "away, size",
    [(minutes(10), 40), (hours(3), 24), (days(3), 24), (days(20), 12)],
    ids=["10 minutes", "3 hours", "3 days", "20 days"],
)
@pytest.mark.seeds(per_commit=1, nightly=20)
def test_everything_comes_after_the_return_though_authors_died(net: np2p.Network, away: float, size: int) -> None:
    """Half of the authors and one guardian never come back; with -s it says what the ward fetched and how long it took."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(size // 3, nat="none", mode="multicast")
    nodes += net.add_nodes(size - size // 3, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, friends, authors = nodes[-1], nodes[1:6], nodes[6 : 6 + min(6, size - 8)]
    ward.follow(*friends, *authors)
    for friend in friends:
        friend.follow(ward)
    net.run_for(minutes(3))
    assert net.status(ward)["guardians"] == 3

    ward.power_off()
    notes = []
    for number in range(10):
        notes += [author.post(f"missed {number}") for author in authors]
        net.run_for(away / 10)
    assert _letters(net) == 2 * len(notes), "each lies with two"
    for author in authors[: len(authors) // 2]:
        author.power_off()
    net.run_for(minutes(2))
    ward.restart()
    back = net.now
    assert net.eventually(lambda: set(notes) <= set(ward.timeline()), within=minutes(5), every=seconds(1))
    took = net.now - back
    net.run_for(minutes(2))
    print(f"away {away:.0f} s: {net.status(ward)['mail_fetched']} letters, all {len(notes)} posts {took:.0f} s after")
    assert _letters(net) == 0


def test_one_of_the_guardians_and_all_authors_die_and_nothing_is_lost(net: np2p.Network) -> None:
    """What it held lies with another one as well; what comes after its death lies with the others."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(8, nat="none", mode="multicast") + net.add_nodes(16, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, friends, authors = nodes[-1], nodes[1:4], nodes[6:10]
    ward.follow(*friends, *authors)
    for friend in friends:
        friend.follow(ward)
    net.run_for(minutes(3))
    ward.power_off()
    notes = [author.post("before") for author in authors]
    net.run_for(minutes(5))
    held = {int(net.status(friend)["mail_letters"]): friend for friend in friends}
    keeper = held[max(held)]
    keeper.power_off()
    notes += [author.post("after") for author in authors]
    net.run_for(minutes(5))
    assert _letters(net) == 3 * len(authors)
    for author in authors:
        author.power_off()
    net.run_for(minutes(2))
    ward.restart()
    assert net.eventually(lambda: set(notes) <= set(ward.timeline()), within=minutes(5))


def test_an_author_that_crashed_before_it_had_left_its_mail_does_so_after_its_restart(net: np2p.Network) -> None:
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(8, nat="none", mode="multicast") + net.add_nodes(8, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, friends, author = nodes[-1], nodes[1:4], nodes[6]
    ward.follow(*friends, author)
    for friend in friends:
        friend.follow(ward)
    net.run_for(minutes(3))
    ward.power_off()
    note = author.post("my last words but one")
    net.run_for(seconds(2))
    author.crash()
    net.run_for(minutes(1))
    author.restart()
    assert net.eventually(lambda: _letters(net) == 2, within=minutes(5))
    author.power_off()
    net.run_for(minutes(1))
    ward.restart()
    assert net.eventually(lambda: note in ward.timeline(), within=minutes(2))


def test_an_author_finds_in_the_directory_whom_it_was_not_told_of(net: np2p.Network) -> None:
    """While the author is away the ward's guardians die, and it finds others; then it leaves as well."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(10, nat="none", mode="multicast") + net.add_nodes(10, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, first, second, author = nodes[-1], nodes[1:4], nodes[4:7], nodes[8]
    ward.follow(author, *first)
    for friend in first:
        friend.follow(ward)
    net.run_for(minutes(3))
    assert net.status(ward)["guardians"] == 3
    for node in (author, *first):
        node.power_off()
    ward.follow(*second)
    for friend in second:
        friend.follow(ward)
    net.run_for(hours(30))
    assert net.status(ward)["guardians"] == 3
    ward.power_off()
    net.run_for(hours(3))  # by then nobody finds the ward, but its guardians have said again who they are
    author.restart()
    net.run_for(minutes(1))
    note = author.post("who takes this in?")
    assert net.eventually(lambda: sum(net.status(friend)["mail_letters"] for friend in second) == 2, within=minutes(5))
    author.power_off()
    net.run_for(minutes(1))
    ward.restart()
    assert net.eventually(lambda: note in ward.timeline(), within=minutes(1))


def test_who_is_back_asks_guardians_and_leaves_authors_in_peace(net: np2p.Network) -> None:
    """In the first minute nobody else is asked; within the hour all are, and what is posted meanwhile comes soon."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(8, nat="none", mode="multicast") + net.add_nodes(24, nat="mixed", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, friends, authors = nodes[-1], nodes[1:4], nodes[6:26]
    ward.follow(*friends, *authors)
    for friend in friends:
        friend.follow(ward)
    net.run_for(minutes(10))
    ward.power_off()
    net.run_for(minutes(2))
    notes = [author.post("missed") for author in authors]
    net.run_for(minutes(10))
    ward.restart()
    back = net.traffic()[ward.index]
    assert net.eventually(lambda: set(notes) <= set(ward.timeline()), within=seconds(10), every=seconds(0.5))
    assert net.status(ward)["registered_follows"] == len(friends) + len(authors)
    spent = net.traffic()[ward.index]
    assert spent["duplicate_in_msgs"] == back["duplicate_in_msgs"]
    fresh = authors[0].post("you are back, it seems")
    assert net.eventually(lambda: fresh in ward.timeline(), within=minutes(1), every=seconds(1))
    net.run_for(hours(1.1))
    last = [author.post("all know it now") for author in authors]
    assert net.eventually(lambda: set(last) <= set(ward.timeline()), within=seconds(10), every=seconds(0.5))


def test_what_exceeds_the_quota_is_refused_and_counted_and_comes_from_its_author(net: np2p.Network) -> None:
    """One author may fill half of a ward's 16 MiB."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(6, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    ward, friend, author = nodes[3], nodes[4], nodes[5]
    ward.follow(friend, author)
    friend.follow(ward)
    net.run_for(minutes(3))
    ward.power_off()
    net.run_for(minutes(3))  # nobody has a link to it any more
    notes = []
    for number in range(150):
        notes.append(author.post(f"{number}: " + "what one writes in a year, " * 2200))
        net.run_for(seconds(5))
    net.run_for(minutes(1))
    assert net.rejections(friend)["mail full"] >= 1
    assert 136 <= net.status(friend)["mail_letters"] <= 141
    assert net.status(friend)["mail_bytes"] <= 8 * 1024 * 1024
    ward.restart()
    assert net.eventually(lambda: set(notes) <= set(ward.timeline()), within=minutes(30))
    assert net.eventually(lambda: _letters(net) == 0, within=hours(1))


def test_who_is_nobodys_friend_finds_no_place_in_a_mailbox(net: np2p.Network) -> None:
    """A stranger's server is asked by nobody and keeps nothing; who follows and is followed by none has no guardian."""
    assert isinstance(net, np2p.Simulation)
    nodes = net.add_nodes(8, nat="none", mode="multicast")
    net.bootstrap(within=minutes(5))
    nodes[1].follow(nodes[2])
    net.run_for(hours(1))
    assert net.status(nodes[0])["guardians"] == 0
    assert net.status(nodes[1])["guardians"] == 1  # the one it follows
    assert [node for node in nodes if net.status(node)["wards"] > 0] == [nodes[1], nodes[2]]
