"""Who follows whom, what they write and when."""

from .graph import FollowGraph, follow_graph
from .run import Activity, Habits, run
from .text import TextGenerator

__all__ = ["Activity", "FollowGraph", "Habits", "TextGenerator", "follow_graph", "run"]
