"""Who should get a note: judged by the ground truth at the time of posting, not by what servers know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .node import (
    BIND,
    COMMENT,
    DELETION,
    FOLLOW_LIST,
    GENERIC_REPOST,
    MESSAGE,
    POST,
    PROFILE,
    REACTION,
    REPOST,
    ZAP,
)


@dataclass(frozen=True)
class Audience:
    """The ground truth at the moment when a note was published: who was there, who followed whom. Nodes are indices."""

    author: int
    broadcast: bool  # the author's mode
    tagged_only: bool  # a reply or mention of somebody whose server sends these to those named and nobody else
    kind: int
    online: npt.NDArray[np.int64]  # everybody online, joined or not
    followers: frozenset[int]
    named: frozenset[int]  # in p tags, and the authors of what it quotes, reposts or reacts to
    others: frozenset[
        int
    ]  # of a reaction: who follows the author of its target; of a deletion: whom its targets went to

    def everybody(self) -> set[int]:
        """Who was online then, but the author."""
        return set(self.online.tolist()) - {self.author}

    def online_followers(self) -> set[int]:
        """Who was online then and followed the author."""
        return self.everybody() & self.followers

    def due(self) -> set[int]:
        """By the kind and the author's mode, as protocol and server see it."""
        return self.among(self.everybody())

    def among(self, people: set[int]) -> set[int]:
        """Who of these should get it."""
        if self.kind == FOLLOW_LIST:
            return set()  # served on request only
        if self.kind == DELETION:
            return people & self.others
        if self.kind == REACTION:
            return people & (self.named | self.others)
        if self.tagged_only or self.kind == MESSAGE:
            return people & self.named
        if self.kind in (GENERIC_REPOST, COMMENT, ZAP):
            return people & (self.followers | self.named)
        if self.kind not in (PROFILE, POST, REPOST, BIND):
            return people & self.followers
        return people if self.broadcast else people & (self.followers | self.named)
