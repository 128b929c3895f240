"""Followers get what they follow, each of it once, whoever dies on the way: one story in both worlds.

`./dev pytest scenarios/delivery -s` prints how long deliveries take.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import np2p
from np2p import milliseconds, minutes, seconds

sys.path.insert(0, str(Path(__file__).resolve().parent))
from village import Village  # noqa: E402 - beside this file, wherever pytest was started

PUBLIC, NATED = 2, 5  # who die, one after the other
BACK = seconds(15)  # until who was away has what those said whom they follow, and what was said to these


@pytest.mark.both
@pytest.mark.seeds(per_commit=5, nightly=100)
def test_everything_due_arrives_once_whoever_is_killed(net: np2p.Network) -> None:
    village = Village(net)
    _talk(village, village.nodes)
    village.complete(within=minutes(1))
    village.show("all online", village.said)

    for index in (PUBLIC, NATED):
        _one_is_killed_while_others_talk(village, village.nodes[index])

    # The author's own server, as soon as the client knows that the post is safe.
    _killed_after(village, village.star.post("famous last words"))
    village.star.restart()
    took = village.complete(within=BACK)
    print(f"{net.kind}: killed after the acknowledgement; everybody has it {took:.1f} s after the author's return")
    village.assert_nothing_else_arrived()


@pytest.mark.seeds(per_commit=3, nightly=100)
def test_what_nobody_else_can_have_got_before_the_author_was_killed_reaches_all(net: np2p.Network) -> None:
    """Cut off, the author posts; then the server dies, comes back, and remembers nothing but what is on its disk."""
    village = Village(net)
    author = village.star
    village.say(author.post("before"), pause=seconds(1))
    author.go_offline()
    _killed_after(village, author.post("is anybody there?"))
    author.come_online()
    author.restart()
    village.say(author.post("I am back"))  # what came before it must not be forgotten over it
    took = village.complete(within=minutes(3))
    print(f"{net.kind}: killed while cut off; everybody has it {took:,.1f} s after the author's return")
    village.assert_nothing_else_arrived()


def _one_is_killed_while_others_talk(village: Village, away: np2p.Node) -> None:
    net, others = village.net, [node for node in village.nodes if node is not away]
    before = len(village.said)
    village.kill(away)
    _talk(village, others, about=away)
    village.complete(within=minutes(1), among=others)
    village.show(f"without server {away.index}", village.said[before:])
    # Those who follow somebody get from them what is said to them: not before they are back.
    last = next(note for note in reversed(village.said) if note.author == away.public_key and note.kind == 1)
    village.say(others[0].react(last, "-"), pause=seconds(1))
    away.restart()
    took = village.complete(within=BACK, among=[away], named=False)
    rest = village.complete(within=minutes(5))
    print(
        f"{net.kind}: server {away.index}, back, has what it follows after {took:.1f} s, all after {took + rest:.1f} s"
    )


def _killed_after(village: Village, note: np2p.Note) -> None:
    """The author's server, in the moment in which it has acknowledged the note to its client; it stays away a while."""
    net = village.net
    assert net.eventually(lambda: net.acknowledged(note), within=seconds(1), every=milliseconds(0.5))
    village.kill(village.star)
    village.say(note, pause=seconds(2))


def _talk(village: Village, speakers: list[np2p.Node], about: np2p.Node | None = None) -> None:
    """Posts by all of them; a reply, a quote, a repost and reactions to what the star has said; a mention of `about`."""
    posts = {node: node.post(f"{node.index} says: " + "what one writes in a minute, " * 5) for node in speakers}
    village.say(*posts.values(), pause=seconds(1))
    first, second, third = [node for node in speakers if node is not village.star][:3]
    asked = posts[village.star]
    village.say(first.reply(asked, "I do not think so"), second.quote(asked, "so true"), pause=seconds(0.5))
    village.say(third.repost(asked), *(node.react(asked) for node in (first, second)), pause=seconds(0.5))
    if about is not None:
        village.say(first.post("where are you?", mentions=[about]), pause=seconds(0.5))
