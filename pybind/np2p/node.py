"""A user and their server, as a scenario sees them; the same in either world.

The user's secret key and everything a client knows (whom they follow, what they posted) live here. The server is
reached only through the world's few primitives (network.py): publish a signed event, query, change its fate.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Iterable, Sequence

from . import checks
from ._np2p import Key, Note
from .nat import Nat

if TYPE_CHECKING:
    from .client import Client
    from .network import Network

PROFILE, POST, FOLLOW_LIST, MESSAGE, DELETION, REPOST, REACTION, BIND = 0, 1, 3, 4, 5, 6, 7, 10848
GENERIC_REPOST, COMMENT, ZAP = 16, 1111, 9735
BIND_DAYS = 90
TIMELINE_KINDS = (POST, REPOST, REACTION)

Tags = list[list[str]]


class Node:
    """One user with their server. Made by net.add_nodes(); `node.index` is its row in the metrics."""

    def __init__(
        self,
        network: Network,
        index: int,
        key: Key,
        nat: Nat | None,
        *,
        overlay: str,
        mode: str,
        replies: str,
        ways_in: Sequence[int],
    ) -> None:
        self.network = network
        self.index = index
        self.key = key
        self.nat = nat
        self.overlay = overlay
        self.mode = mode
        self.replies = replies
        self.ways_in = tuple(ways_in)  # nodes that its server was told to come in through
        self.public_key: str = key.public_key
        self._following: dict[str, None] = {}  # public keys in the order of following
        self._epoch = 0  # of the last BIND
        self._newest_replaceable: dict[int, int] = {}  # kind -> created_at of what we published last

    def __repr__(self) -> str:
        return f"<Node {self.index} {self.public_key[:12]} {'public' if self.nat is None else 'behind NAT'}>"

    def mode_now(self) -> str:
        """How this user's posts travel now: "broadcast" or "multicast". That is node.mode, which was given to add_nodes(),
        unless it is "auto" and the server decides."""
        return self.mode if self.mode != "auto" else self.network.mode_now(self)

    # --- what the user does -----------------------------------------------------------------------------------------

    def post(self, content: str, *, mentions: Iterable[Node] = ()) -> Note:
        """Publishes a plain post (kind 1); those mentioned are named in p tags."""
        checks.text("content", content)
        return self.publish(POST, content, _people(_keys("mentions", mentions)))

    def reply(self, note: Note, content: str, *, mentions: Iterable[Node] = ()) -> Note:
        """Publishes a reply with NIP-10's marked e tags; everybody in the conversation is named."""
        self._known("note", note)
        checks.text("content", content)
        root = next((tag for tag in note.tags if tag[:1] == ["e"] and len(tag) > 3 and tag[3] == "root"), None)
        thread: Tags = [["e", note.id, "", "root", note.author]]
        if root is not None:
            thread = [root, ["e", note.id, "", "reply", note.author]]
        named = [note.author] + [tag[1] for tag in note.tags if tag[:1] == ["p"] and len(tag) > 1]
        return self.publish(POST, content, thread + _people(named + _keys("mentions", mentions), but=self.public_key))

    def react(self, note: Note, content: str = "+") -> Note:
        """Publishes a reaction (NIP-25): '+' likes, '-' dislikes, or an emoji."""
        self._known("note", note)
        checks.text("content", content)
        return self.publish(REACTION, content, [["e", note.id], ["p", note.author], ["k", str(note.kind)]])

    def repost(self, note: Note) -> Note:
        """Publishes a repost (NIP-18) with the note itself inside."""
        self._known("note", note)
        if note.kind != POST:
            raise ValueError(f"note must be of kind 1 to be reposted as kind 6, not of kind {note.kind}")
        return self.publish(REPOST, note.json(), [["e", note.id, ""], ["p", note.author]])

    def quote(self, note: Note, content: str) -> Note:
        """Publishes a post that quotes another (NIP-18's q tag, NIP-21's nostr: link in the text)."""
        self._known("note", note)
        checks.text("content", content)
        text = f"{content}\nnostr:{note.note}" if content else f"nostr:{note.note}"
        return self.publish(POST, text, [["q", note.id, "", note.author]])

    def delete(self, *notes: Note, reason: str = "") -> Note:
        """Publishes a deletion (NIP-09) of notes of this user; whoever got one of them gets it, too."""
        if not notes:
            raise TypeError("notes must name at least one Note to delete")
        checks.text("reason", reason)
        for note in notes:
            _note("notes", note)
            if note.author != self.public_key:
                raise ValueError(
                    f"notes must be of the node's own user: nobody deletes what is another's ({note.id[:12]})"
                )
        kinds = dict.fromkeys(str(note.kind) for note in notes)
        return self.publish(DELETION, reason, [["e", note.id] for note in notes] + [["k", kind] for kind in kinds])

    def follow(self, *users: Node) -> Note:
        """Follows these users too: publishes the whole new follow list (NIP-02)."""
        if not users:
            raise TypeError("users must name at least one Node to follow")
        chosen = checks.items("users", users, Node)
        if self in chosen:
            raise ValueError("users must not include the node itself: nobody follows themselves")
        for user in chosen:
            self.network.check_mine("users", user)
            self._following[user.public_key] = None
        return self._publish_follows()

    def unfollow(self, *users: Node) -> Note:
        """Follows these users no longer."""
        if not users:
            raise TypeError("users must name at least one Node to unfollow")
        for user in checks.items("users", users, Node):
            if user.public_key not in self._following:
                raise ValueError(f"users must be followed to be unfollowed; node {user.index} is not")
            del self._following[user.public_key]
        return self._publish_follows()

    def set_profile(self, **fields: str) -> Note:
        """Publishes the profile (kind 0): name=, about=, picture=, display_name=, ..."""
        if not fields:
            raise TypeError("set_profile() needs at least one field, e.g. name='alice'")
        for name, value in fields.items():
            checks.text(name, value)
        return self.publish(PROFILE, json.dumps(fields, ensure_ascii=False, separators=(",", ":")), [])

    def bind(self, to: Node | None = None, *, epoch: int | None = None) -> Note:
        """Says with the user's key which server is theirs (by default this one): publishes a BIND of the next epoch."""
        server = self if to is None else checks.items("to", [to], Node)[0]
        return self._publish_bind([["node", self.network.node_id(server)]], epoch)

    def revoke(self, *, epoch: int | None = None) -> Note:
        """Publishes a BIND that names no server: nobody serves this user until the next one."""
        return self._publish_bind([], epoch)

    def publish(self, kind: int, content: str, tags: Sequence[Sequence[str]] = ()) -> Note:
        """Signs any event as this user and hands it to their server. The server's refusal is np2p.PublishRefused."""
        checks.count("kind", kind, most=65535)
        checks.text("content", content)
        plain = [[checks.text("tags", value) for value in tag] for tag in tags]
        created_at = self.network.wall_seconds(self)
        if kind in (PROFILE, FOLLOW_LIST) or 10000 <= kind < 20000:
            # Two versions within one second would be ordered by their ids; a client makes the later one newer.
            created_at = max(created_at, self._newest_replaceable.get(kind, 0) + 1)
        note = self.key.sign(kind, created_at, plain, content)
        self.network.publish_signed(self, note)
        if kind in (PROFILE, FOLLOW_LIST) or 10000 <= kind < 20000:
            self._newest_replaceable[kind] = created_at
        return note

    # --- what the user's client reads from its own server -----------------------------------------------------------

    def timeline(self, limit: int | None = None) -> list[Note]:
        """Posts, reposts and reactions that the server has, newest first (of one second the lowest id first). A server
        that does not run answers nothing: []."""
        if limit is not None:
            checks.count("limit", limit)
        return self.query(kinds=TIMELINE_KINDS, limit=limit)

    def query(
        self,
        *,
        kinds: Iterable[int] | None = None,
        authors: Iterable[Node | str] | None = None,
        ids: Iterable[Note | str] | None = None,
        limit: int | None = None,
    ) -> list[Note]:
        """What the server has by a NIP-01 filter, newest first. A server that does not run answers nothing: []."""
        if limit is not None:
            checks.count("limit", limit)
        wanted = None if authors is None else [a.public_key if isinstance(a, Node) else str(a) for a in authors]
        return self.network.query_store(
            self,
            None if kinds is None else [checks.count("kinds", kind, most=65535) for kind in kinds],
            wanted,
            None if ids is None else [str(one) for one in ids],
            limit,
        )

    def has(self, note: Note) -> bool:
        """Does the server have this note (of any kind)?"""
        _note("note", note)
        return bool(self.query(ids=[note]))

    def reactions(self, note: Note) -> list[Note]:
        """The reactions to a note that the server has."""
        _note("note", note)
        found = self.query(kinds=[REACTION])
        return [one for one in found if any(tag[:2] == ["e", note.id] for tag in one.tags)]

    def profile(self, of: Node | None = None) -> dict[str, str] | None:
        """The profile of a user (by default this one) as the server knows it; None if it does not."""
        found = self.query(kinds=[PROFILE], authors=[of or self], limit=1)
        if not found:
            return None
        fields: dict[str, str] = json.loads(found[0].content)
        return fields

    def follows(self, of: Node | None = None) -> list[str] | None:
        """The public keys that a user (by default this one) follows as the server knows it; None if it does not."""
        found = self.query(kinds=[FOLLOW_LIST], authors=[of or self], limit=1)
        if not found:
            return None
        return [tag[1] for tag in found[0].tags if tag[:1] == ["p"] and len(tag) > 1]

    def client(self, *, trusted: bool = True) -> Client:
        """A Nostr client that connects to this user's server and stays (NIP-01); in a simulation only. trusted=False: as
        if it came from elsewhere, so that it has to prove who it is (NIP-42). ValueError if the server does not run."""
        self.network.check_running("client()", self)
        return self.network.connect_client(self, trusted=checks.flag("trusted", trusted))

    def ban(self, user: Node) -> None:
        """This user's server takes nothing of another user any more, and gives up what it has of them; in a simulation
        only. ValueError if the server does not run."""
        self._ban("ban()", user, undo=False)

    def unban(self, user: Node) -> None:
        """Takes ban() back; what was given up is not there again by that."""
        self._ban("unban()", user, undo=True)

    # --- what happens to the server ---------------------------------------------------------------------------------

    def go_offline(self) -> None:
        """The machine loses its network; the server goes on running."""
        self.network.set_online(self, False, new_address=False)

    def come_online(self, *, new_address: bool = False) -> None:
        """The network is back, at another address if `new_address`."""
        self.network.set_online(self, True, new_address=checks.flag("new_address", new_address))

    def rebind_nat(self) -> None:
        """The NAT that the machine is behind forgets its mappings and has another address; the server is not told."""
        if self.nat is None:
            raise ValueError(f"rebind_nat(): node {self.index} is behind no NAT")
        self.network.rebind(self)

    def path_to(self, other: Node) -> str | None:
        """How the server is linked to another one: "direct", "punched", "relayed", or None: not at all."""
        self.network.check_mine("other", other)
        return self.network.paths(self).get(other.public_key[-12:]) if self.network.is_running(self) else None

    def crash(self) -> None:
        """The server's process ends at once; peers see a reset. ValueError if it does not run."""
        self.network.check_running("crash()", self)
        self.network.kill(self, silent=False)

    def power_off(self) -> None:
        """The machine vanishes silently; peers find out by timeout. ValueError if it does not run."""
        self.network.check_running("power_off()", self)
        self.network.kill(self, silent=True)

    def restart(self, *, lose_disk: bool = False) -> None:
        """Starts the server again (after an orderly stop if it still runs), with its disk or with an empty one."""
        self.network.start_again(self, lose_disk=checks.flag("lose_disk", lose_disk))

    @property
    def online(self) -> bool:
        """Is the server running with its network up?"""
        return self.network.is_online(self)

    def _ban(self, what: str, user: Node, *, undo: bool) -> None:
        self.network.check_mine("user", user)
        self.network.check_running(what, self)
        self.network.set_ban(self, user, undo=undo)

    def _known(self, name: str, note: Note) -> None:
        """What one answers to is somebody's of this network."""
        _note(name, note)
        self.network.audience(note)

    def _publish_bind(self, node: Tags, epoch: int | None) -> Note:
        chosen = self._epoch + 1 if epoch is None else checks.count("epoch", epoch, least=1)
        expires = self.network.wall_seconds(self) + BIND_DAYS * 86400
        note = self.publish(BIND, "", node + [["epoch", str(chosen)], ["expires", str(expires)]])
        self._epoch = max(self._epoch, chosen)
        return note

    def _publish_follows(self) -> Note:
        return self.publish(FOLLOW_LIST, "", [["p", key] for key in self._following])


def _keys(name: str, users: Iterable[Node]) -> list[str]:
    return [user.public_key for user in checks.items(name, users, Node)]


def _people(keys: Iterable[str], but: str = "") -> Tags:
    """p tags, each person once, in order."""
    return [["p", key] for key in dict.fromkeys(keys) if key != but]


def _note(name: str, value: object) -> None:
    if not isinstance(value, Note):
        raise TypeError(f"{name} must be a Note, not {type(value).__name__}")
