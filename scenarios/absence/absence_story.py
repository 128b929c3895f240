"""Somebody is away for a while, and those whom they follow go on; what is there after the return, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import np2p
from np2p import minutes, seconds

NATS = ("none", "none", "none", "port_restricted", "symmetric", "none", "none", "none")
AWAY = 3  # who leaves, behind a NAT
FOLLOWED = (1, 2, 4)  # whom all follow; the one who leaves has them for guardians, for they follow each other
GONE = 2  # an author who is not there when the follower comes back
COPIES = 2  # of each letter, with different guardians


@dataclass(frozen=True)
class Absence:
    """How long somebody was away, and how long it took afterwards until everything was there, in seconds."""

    length: float
    missed: int  # posts that were due to them meanwhile
    until_there: float  # until those of the authors who were there had arrived
    of_gone: int = 0  # posts of an author who was not there when they came back
    without_gone: int = 0  # of these, what had come from others before that author was back as well
    after_gone: float = 0.0  # until the rest had, from that author's return on

    def __str__(self) -> str:
        text = f"away for {self.length:,.0f} s, {self.missed} posts missed; there {self.until_there:,.1f} s after the return"
        if self.of_gone:
            text += (
                f"; of {self.of_gone} by an author who was away then, {self.without_gone} before that one's return, the rest "
                f"{self.after_gone:,.1f} s after it"
            )
        return text


def _mail(net: np2p.Network, node: np2p.Node) -> tuple[int, int]:
    """How many guard that user, and how many letters its server keeps for others."""
    status = net.status(node)
    if net.kind == "sim":
        return status["guardians"], status["mail_letters"]
    return len(status["mail"]["guardians"]), status["mail"]["letters"]


class Story:
    """Eight servers, two of them behind NAT; all follow those whom the one follows who will be away, and that one as
    well."""

    def __init__(self, net: np2p.Network) -> None:
        self.net = net
        self.nodes = net.add_nodes(len(NATS), nat=NATS, mode="multicast")
        net.bootstrap(within=minutes(3))
        self.away, self.gone = self.nodes[AWAY], self.nodes[GONE]
        self.authors = [self.nodes[index] for index in FOLLOWED]
        people = {}
        for node in self.nodes:
            people[node] = [one for one in [self.away, *self.authors] if one is not node]
            node.follow(*people[node])

        def registered() -> bool:
            return all(net.status(node)["registered_follows"] == len(follows) for node, follows in people.items())

        assert net.eventually(registered, within=minutes(1)), "every follow is registered"

        def guarded() -> bool:
            return all(_mail(net, node)[0] == 3 for node in (self.away, *self.authors))

        assert net.eventually(guarded, within=minutes(5), every=seconds(1)), "people agree who guards whose mail"
        net.run_for(seconds(12) if net.kind == "real" else minutes(1))  # authors hear of it within ten
        hello = [author.post("before") for author in self.authors]
        assert net.eventually(lambda: self._has(hello), within=minutes(1)), "who is there gets what they follow"

    def away_for(
        self, length: float, posts: int, *, killed: bool, author_leaves: bool, back_within: float = minutes(2)
    ) -> Absence:
        """`posts` by each whom they follow, spread over the absence; everything is there `back_within` seconds after.

        killed=False: the machine only loses its network, and has another address when it is back. author_leaves: one of the authors is killed before the return,
        and comes back after it.
        """
        net = self.net
        begun = net.now
        if killed:
            self.away.crash()
        else:
            self.away.go_offline()
        missed: dict[np2p.Node, list[np2p.Note]] = {author: [] for author in self.authors}
        for number in range(posts):
            for author in self.authors:
                missed[author].append(author.post(f"while you were away, {number}: " + "what one writes, " * 10))
            net.run_for(max(0.0, begun + length * (number + 1) / (posts + 1) - net.now))
        assert net.eventually(lambda: self._others_have(missed), within=minutes(1)), "who is there has all of it"
        if killed:
            letters = COPIES * posts * len(self.authors)
            assert net.eventually(
                lambda: self._letters() >= letters, within=minutes(2)
            ), "all of it lies with guardians"
        if author_leaves:
            self.gone.crash()
        net.run_for(max(0.0, begun + length - net.now))

        returned = net.now
        if killed:
            self.away.restart()
        else:
            self.away.come_online(new_address=True)
        there = [note for author in self.authors for note in missed[author] if author.online]
        until_there = self._until_has(there, back_within)
        found = Absence(returned - begun, posts * len(self.authors), until_there)
        if not author_leaves:
            return found
        # From guardians, or from others who follow the same author.
        net.eventually(lambda: self._has(missed[self.gone]), within=minutes(2), every=seconds(1))
        without = len(set(missed[self.gone]) & set(self.away.timeline()))
        self.gone.restart()
        after = self._until_has(missed[self.gone], back_within)
        return replace(found, of_gone=posts, without_gone=without, after_gone=after)

    def _letters(self) -> int:
        return sum(_mail(self.net, node)[1] for node in self.nodes if node.online)

    def _others_have(self, missed: dict[np2p.Node, list[np2p.Note]]) -> bool:
        others = [node for node in self.nodes if node is not self.away]
        return all(self.net.delivery_ratio(note, to=others) == 1.0 for notes in missed.values() for note in notes)

    def _until_has(self, notes: list[np2p.Note], within: float) -> float:
        begun = self.net.now
        soon = min(within, minutes(1))
        arrived = self.net.eventually(lambda: self._has(notes), within=soon, every=0.5)
        arrived = arrived or self.net.eventually(lambda: self._has(notes), within=within - soon, every=10.0)
        lost = len(set(notes) - set(self.away.timeline()))
        assert arrived, f"{lost} of {len(notes)} posts have not arrived {within:g} s after the return"
        return self.net.now - begun

    def _has(self, notes: list[np2p.Note]) -> bool:
        return set(notes) <= set(self.away.timeline())
