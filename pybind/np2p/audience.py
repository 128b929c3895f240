"""Who should get a note: judged by the ground truth at the time of posting, not by what servers know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .node import FOLLOW_LIST, POST, PROFILE, REACTION, REPOST


@dataclass(frozen=True)
class Audience:
    author: int
    broadcast: bool  # the author's mode
    tagged_only: bool  # a reply or mention of somebody whose server sends these to those named and nobody else
    kind: int
    online: npt.NDArray[np.int64]  # everybody online, joined or not
    followers: frozenset[int]
    named: frozenset[int]  # in p tags

    def everybody(self) -> set[int]:
        return set(self.online.tolist()) - {self.author}

    def online_followers(self) -> set[int]:
        return self.everybody() & self.followers

    def due(self) -> set[int]:
        """By the kind and the author's mode, as protocol and server see it."""
        everybody = self.everybody()
        if self.kind == REACTION or self.tagged_only:
            return everybody & self.named
        if self.kind == FOLLOW_LIST:
            return set()  # served on request only
        if self.broadcast and self.kind in (PROFILE, POST, REPOST):
            return everybody
        return everybody & (self.followers | self.named)
