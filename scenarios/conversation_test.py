"""Four people talk. The original's promise, word for word, in both worlds."""

from __future__ import annotations

import pytest

import np2p
from np2p import minutes, seconds

BOTH_SIDES_OF_A_NAT = ["none", "port_restricted", "none", "symmetric"]


@pytest.mark.overlays("hyparview", "mesh")
@pytest.mark.both
@pytest.mark.seeds(per_commit=3, nightly=50)
def test_four_servers_two_of_them_behind_nat_exchange_everything(net: np2p.Network) -> None:
    alice, bob, carol, dave = people = net.add_nodes(4, nat=BOTH_SIDES_OF_A_NAT)
    net.bootstrap(within=minutes(3))

    alice.set_profile(name="alice", about="first of four")
    assert net.eventually(
        lambda: all((one.profile(of=alice) or {}).get("name") == "alice" for one in people), within=minutes(1)
    )

    dave.follow(alice, bob)
    assert net.eventually(lambda: bob.follows(of=dave) == [alice.public_key, bob.public_key], within=minutes(1))

    note = alice.post("good morning, this is a small network")
    assert net.eventually(lambda: all(note in one.timeline() for one in people), within=minutes(1))

    reply = bob.reply(note, "from behind a NAT, too")
    assert net.eventually(lambda: reply in alice.timeline(), within=minutes(1))

    reaction = dave.react(note, "🤙")
    assert net.eventually(lambda: reaction in alice.reactions(note), within=minutes(1))

    repost = carol.repost(note)
    quote = dave.quote(note, "so true")
    mention = bob.post("are you there?", mentions=[carol])
    assert net.eventually(
        lambda: all(one in person.timeline() for one in (repost, quote) for person in people), within=minutes(1)
    )
    assert net.eventually(lambda: mention in carol.timeline(), within=minutes(1))

    assert net.delivery_ratio(note) == 1.0
    assert len(set(alice.timeline())) == len(alice.timeline()), "a note is shown once"


@pytest.mark.both
def test_what_arrives_is_what_was_signed(net: np2p.Network) -> None:
    alice, bob = net.add_nodes(2, nat="none")
    net.bootstrap(within=minutes(3))
    text = 'quotes " and \\ backslashes,\ttabs,\nlines, ünïcödé, 日本語, 👩‍💻 and a bell \x07'
    note = alice.post(text)
    assert net.eventually(lambda: bob.has(note), within=minutes(1))
    (received,) = [one for one in bob.timeline() if one == note]
    assert received.content == text
    assert received.author == alice.public_key
    assert received.is_genuine()


@pytest.mark.both
def test_a_newer_profile_wins_wherever_it_was_seen(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3, nat="none")
    net.bootstrap(within=minutes(3))
    alice.set_profile(name="alice")
    alice.set_profile(name="Alice A.")  # within the same second
    assert net.eventually(
        lambda: all((one.profile(of=alice) or {}).get("name") == "Alice A." for one in (bob, carol)),
        within=minutes(1),
    )
    net.run_for(seconds(2))
    assert alice.profile() == {"name": "Alice A."}


@pytest.mark.both
def test_a_mention_waits_for_somebody_who_was_away(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3, nat="none")
    net.bootstrap(within=minutes(3))
    carol.crash()
    net.run_for(seconds(3))
    mention = alice.post("call me when you are back", mentions=[carol])
    net.run_for(seconds(3))
    carol.restart()
    assert net.eventually(lambda: mention in carol.timeline(), within=minutes(3))
