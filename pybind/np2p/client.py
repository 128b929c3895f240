"""A Nostr client that stays connected to a server, as over a WebSocket (NIP-01); made by node.client()."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from ._np2p import Note

if TYPE_CHECKING:
    from .node import Node


class Wire(Protocol):
    """How a world carries its messages."""

    def session_text(self, node: int, session: int, text: str) -> None:
        """The client says this."""

    def take_told(self, node: int, session: int) -> list[str]:
        """What the server has told it since it was asked last."""

    def close_session(self, node: int, session: int) -> None:
        """The client hangs up."""

    def has_session(self, node: int, session: int) -> bool:
        """Is it connected still?"""


class Client:
    """What it sends takes effect at once; what the server says to it is in received(), in order."""

    def __init__(self, node: Node, wire: Wire, session: int) -> None:
        self.node = node
        self._wire = wire
        self._session = session
        self._received: list[list[Any]] = []

    def __repr__(self) -> str:
        return f"<Client of node {self.node.index}, {'connected' if self.connected else 'disconnected'}>"

    @property
    def connected(self) -> bool:
        """False once either side has ended it, or the server has."""
        return self._wire.has_session(self.node.index, self._session)

    def send(self, *message: Any) -> None:
        """One message: its parts, send("REQ", "home", {"kinds": [1]}), or its text as it is. ValueError if the
        connection has ended."""
        if not self.connected:
            raise ValueError(f"send(): the connection to node {self.node.index} has ended")
        is_text = len(message) == 1 and isinstance(message[0], str)
        text = message[0] if is_text else json.dumps([_plain(part) for part in message], ensure_ascii=False)
        self._wire.session_text(self.node.index, self._session, text)

    def received(self, kind: str | None = None) -> list[list[Any]]:
        """Everything that the server has said so far, or only its "EVENT"s, "OK"s, ..."""
        self._received += [json.loads(text) for text in self._wire.take_told(self.node.index, self._session)]
        return [message for message in self._received if kind is None or message[0] == kind]

    def events(self, subscription: str) -> list[str]:
        """The ids of the events of a subscription, in the order in which they came."""
        return [event["id"] for _, name, event in self.received("EVENT") if name == subscription]

    def close(self) -> None:
        """Ends the connection; the server forgets its subscriptions."""
        self.received()
        self._wire.close_session(self.node.index, self._session)


def _plain(part: Any) -> Any:
    return json.loads(part.json()) if isinstance(part, Note) else part
