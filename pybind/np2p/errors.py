"""The exceptions of the module. Wrong arguments are ValueError or TypeError and name the argument."""

from __future__ import annotations


class Error(Exception):
    """Base of everything that np2p itself raises."""


class NotConverged(Error, AssertionError):
    """Something that should have come about by now has not; the message is a sentence that says who and why."""


class InvariantViolation(Error, AssertionError):
    """A safety invariant broke: a bug of the system under test, with node, time and reason."""


class Unsupported(Error, NotImplementedError):
    """This world cannot do that, or it does not exist yet; the message says what does."""


class PublishRefused(Error):
    """The user's own server refused an event; the message is the server's reason."""
