"""Lets a whole population live for a while: everybody posts at their own times, some answer what they read."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Sequence

from .. import checks
from .._np2p import Rng
from .text import TextGenerator

if TYPE_CHECKING:
    from .._np2p import Note
    from ..network import Network
    from ..node import Node

SECONDS_A_DAY = 86400.0


@dataclass
class Activity:
    """What was done, in order."""

    posts: list[Note] = field(default_factory=list)
    replies: list[Note] = field(default_factory=list)
    reactions: list[Note] = field(default_factory=list)
    reposts: list[Note] = field(default_factory=list)
    skipped: int = 0  # turns of users whose server was down

    @property
    def everything(self) -> list[Note]:
        """All notes, by kind."""
        return self.posts + self.replies + self.reactions + self.reposts


@dataclass(frozen=True)
class Habits:
    """Of a hundred things that users do, so many are ...; the rest are plain posts."""

    replies: int = 0
    reactions: int = 0
    reposts: int = 0

    def __post_init__(self) -> None:
        for name in ("replies", "reactions", "reposts"):
            checks.count(name, getattr(self, name), most=100)
        if self.replies + self.reactions + self.reposts > 100:
            raise ValueError("replies, reactions and reposts must be at most 100 together")


def run(
    net: Network,
    *,
    posts_per_day: float,
    duration: float,
    nodes: Sequence[Node] | None = None,
    habits: Habits = Habits(),
    seed: int | None = None,
) -> Activity:
    """Lets the users of `nodes` (all by default) post `posts_per_day` each, at random times, for `duration` seconds.

    The times are a Poisson process per user, drawn from the seed (the network's by default) and the user's number. Users whose server is
    down when their turn comes skip it. With habits=Habits(replies=20, reactions=30) some turns answer a note from the
    user's own timeline.
    """
    checks.number("posts_per_day", posts_per_day, above=0.0)
    checks.duration("duration", duration)
    users = list(net.nodes) if nodes is None else [net.check_mine("nodes", node) for node in nodes]
    use = net.seed if seed is None else checks.count("seed", seed)
    rng = random.Random(f"np2p workload {use}")
    text = TextGenerator(use)
    clocks = [Rng(use, "workload", user.index) for user in users]
    pause = SECONDS_A_DAY / posts_per_day
    start = net.now
    turns = [(clock.exponential(pause), i) for i, clock in enumerate(clocks)]
    heapq.heapify(turns)
    done = Activity()
    while turns and turns[0][0] < duration:
        at, i = turns[0]
        if start + at > net.now:
            net.run_for(start + at - net.now)
        if users[i].online:
            _act(users[i], habits, text, rng, done)
        else:
            done.skipped += 1
        heapq.heapreplace(turns, (at + clocks[i].exponential(pause), i))
    if start + duration > net.now:
        net.run_for(start + duration - net.now)
    return done


def _act(user: Node, habits: Habits, text: TextGenerator, rng: random.Random, done: Activity) -> None:
    turn = rng.randrange(100)
    answers = habits.replies + habits.reactions + habits.reposts
    if turn < answers:
        readable = [note for note in user.timeline(limit=20) if note.kind == 1 and note.author != user.public_key]
        if readable:
            note = rng.choice(readable)
            if turn < habits.replies:
                done.replies.append(user.reply(note, text.answer()))
            elif turn < habits.replies + habits.reactions:
                done.reactions.append(user.react(note, text.reaction()))
            else:
                done.reposts.append(user.repost(note))
            return
    done.posts.append(user.post(text.post()))
