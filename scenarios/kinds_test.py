"""How each kind travels: posts, replies, quotes, reactions, deletions and what is for the moment only reach exactly those
whom they are for, in either mode."""

from __future__ import annotations

from typing import Iterable

import pytest

import np2p
from np2p import minutes, seconds

EPHEMERAL, OTHER = 20001, 1111


def _holders(net: np2p.Network, note: np2p.Note) -> set[np2p.Node]:
    return {node for node in net.nodes if node.has(note)}


def _reach(net: np2p.Network, note: np2p.Note, whom: Iterable[np2p.Node]) -> None:
    """These get it, and after a while still nobody else has it."""
    wanted = set(whom)
    assert net.eventually(lambda: wanted <= _holders(net, note), within=minutes(1))
    net.run_for(seconds(2))
    assert _holders(net, note) == wanted


def _five(net: np2p.Network, mode: str, **settings: str) -> list[np2p.Node]:
    """Alice, whom bob follows from behind a NAT; carol and dave, who follow nobody; erin, who follows carol."""
    people = net.add_nodes(5, nat=["none", "port_restricted", "none", "symmetric", "none"], mode=mode, **settings)
    net.bootstrap(within=minutes(3))
    alice, bob, carol, _, erin = people
    bob.follow(alice)
    erin.follow(carol)
    net.run_for(seconds(5))
    return people


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_posts_reach_those_whom_they_are_for(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = people = _five(net, mode)
    everybody = mode == "broadcast"

    post = alice.post("to all, or to those who care")
    _reach(net, post, people if everybody else [alice, bob])
    mention = alice.post("carol, have you seen this?", mentions=[carol])
    _reach(net, mention, people if everybody else [alice, bob, carol])
    quote = carol.quote(mention, "yes")  # it names alice, who does not follow carol, in its q tag only
    _reach(net, quote, people if everybody else [carol, erin, alice])
    repost = carol.repost(mention)
    _reach(net, repost, people if everybody else [carol, erin, alice])
    bare = dave.publish(1, "is it true?", [["q", mention.id]])
    _reach(net, bare, people if everybody else [dave])  # dave's server does not know whose that is
    other = alice.publish(OTHER, "of a kind that nobody here knows")
    _reach(net, other, [alice, bob])
    _reach(net, alice.follow(dave), [alice])
    assert all(net.delivery_ratio(note) == 1.0 for note in (post, mention, quote, repost, other))


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_who_is_named_in_a_message_a_comment_a_zap_or_a_generic_repost_gets_it(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = _five(net, mode)
    to_carol = [["p", carol.public_key]]
    message = alice.publish(4, "c2VjcmV0?iv=aXY=", to_carol)
    _reach(net, message, [alice, carol])
    for kind in (16, 1111, 9735):
        note = alice.publish(kind, "", to_carol)
        _reach(net, note, [alice, bob, carol])
        assert net.delivery_ratio(note) == 1.0
    assert net.delivery_ratio(message) == 1.0


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
def test_replies_can_be_for_those_they_name_only(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = people = _five(net, mode, replies="tagged")
    mention = alice.post("carol, between us", mentions=[carol])
    _reach(net, mention, [alice, carol])
    reply = carol.reply(mention, "so be it")
    _reach(net, reply, [alice, carol])
    quote = carol.quote(mention, "what a secret")
    _reach(net, quote, people if mode == "broadcast" else [alice, carol, erin])
    assert net.delivery_ratio(mention) == net.delivery_ratio(reply) == net.delivery_ratio(quote) == 1.0
    assert not any(one.has(mention) for one in (bob, dave, erin))


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_reactions_reach_the_author_and_who_follows_them(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = _five(net, mode)
    post = alice.post("react to me")
    assert net.eventually(lambda: net.delivery_ratio(post) == 1.0, within=minutes(1))
    reaction = bob.react(post, "+")
    own = alice.react(post, "!")
    assert net.eventually(lambda: bob.has(own), within=minutes(1))
    _reach(net, reaction, [alice, bob])
    stranger = dave.react(post, "-")  # neither follows the other
    _reach(net, stranger, [alice, bob, dave])
    assert set(bob.reactions(post)) == {reaction, own, stranger}
    assert net.delivery_ratio(stranger) == 1.0

    regret = dave.delete(stranger)
    _reach(net, regret, [alice, bob, dave])
    assert _holders(net, stranger) == set()
    assert set(bob.reactions(post)) == {reaction, own}


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
@pytest.mark.seeds(per_commit=2, nightly=50)
def test_a_deletion_goes_where_the_post_went_and_sticks(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = people = _five(net, mode)
    post = alice.post("regretted")
    mention = alice.post("regretted, too", mentions=[carol])
    kept = alice.post("not regretted")
    went = set(people) if mode == "broadcast" else {alice, bob}
    assert net.eventually(lambda: _holders(net, post) == went, within=minutes(1))
    assert net.eventually(lambda: _holders(net, mention) == went | {carol}, within=minutes(1))

    of_post, of_mention = alice.delete(post), alice.delete(mention)
    _reach(net, of_post, went)
    _reach(net, of_mention, went | {carol})
    assert _holders(net, post) == _holders(net, mention) == set()
    assert _holders(net, kept) == went
    with pytest.raises(np2p.PublishRefused, match="deleted"):
        net.publish_signed(alice, post)

    forged = carol.publish(5, "", [["e", kept.id]])  # nobody deletes what is another's
    net.run_for(seconds(5))
    assert _holders(net, kept) == went
    assert forged in carol.query(kinds=[5])


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
def test_who_was_away_learns_of_deletions_and_reactions(net: np2p.Network, mode: str) -> None:
    alice, bob, carol, dave, erin = _five(net, mode)
    regretted, kept = alice.post("regretted"), alice.post("kept")
    assert net.eventually(lambda: bob.has(regretted) and bob.has(kept), within=minutes(1))
    bob.crash()
    net.run_for(minutes(2))
    deletion, reaction = alice.delete(regretted), carol.publish(7, "+", [["e", kept.id], ["p", alice.public_key]])
    assert net.eventually(lambda: alice.has(reaction), within=minutes(1))
    net.run_for(seconds(10))
    bob.restart()
    assert net.eventually(lambda: bob.has(deletion) and bob.has(reaction), within=minutes(5))
    assert not bob.has(regretted)


def test_a_mention_that_is_taken_back_before_it_arrives(net: np2p.Network) -> None:
    alice, bob, carol, dave, erin = _five(net, "multicast")
    carol.crash()
    net.run_for(minutes(2))
    mention = alice.post("forget it", mentions=[carol])
    net.run_for(seconds(5))
    deletion = alice.delete(mention)
    net.run_for(seconds(5))
    carol.restart()
    assert net.eventually(lambda: carol.has(deletion), within=minutes(5))
    net.run_for(minutes(1))
    assert not carol.has(mention)


@pytest.mark.parametrize("mode", ["broadcast", "multicast"])
def test_what_is_for_the_moment_reaches_followers_who_are_online(net: np2p.Network, mode: str) -> None:
    assert isinstance(net, np2p.Simulation)
    alice, bob, carol, dave, erin = _five(net, mode)
    carol.follow(alice)
    net.run_for(seconds(5))
    carol.crash()
    net.run_for(minutes(2))
    signal = alice.publish(EPHEMERAL, "typing")
    net.run_for(seconds(10))
    assert set(net.deliveries(signal)["node"]) == {bob.index}
    carol.restart()
    net.run_for(minutes(2))
    assert set(net.deliveries(signal)["node"]) == {bob.index}
    assert _holders(net, signal) == set()
