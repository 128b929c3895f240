"""RealNetwork: the shape of network.py over real servers, one process each, on a private Internet of this machine.

Everything lives in user, network, mount and PID namespaces that the agent (agent.py) makes without root; when the
Python process ends, however it ends, the kernel removes all of it. Data directories lie in a temporary directory that
is removed as well, unless a scenario fails (then pytest keeps the logs).
"""

from __future__ import annotations

import base64
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from datetime import datetime
from pathlib import Path
from typing import Any, Iterable

import numpy as np
import numpy.typing as npt

from .._np2p import Key, Note, decode_answer
from ..errors import Error, InvariantViolation, PublishRefused, Unsupported
from ..invariants import Checker
from ..joining import Standing
from ..nat import Nat
from ..network import Network
from ..node import Node
from ..progress import Progress
from ..settings import SWARM, check_world
from ..simulation import DELIVERY_DTYPE, TRAFFIC_DTYPE
from ..table import Table

PORT = 20000
API_PORT = PORT + 1
FRAME_HEADER, RECORD, SEGMENT, SEGMENT_HEADER = 4, 22, 1460, 52  # bytes; simnet/wire_cost.h
PAGE = 5000  # Limits::query_events
JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/msgpack"}


class RealNetwork(Network):
    """Real servers. `seed` decides the users' keys and the NAT kinds; time is real, so there is no digest."""

    kind = "real"
    _first_step = 0.02
    _longest_step = 0.5

    def __init__(
        self,
        *,
        seed: int = 1,
        overlay: str = "hyparview",
        binary: str | os.PathLike[str] | None = None,
        **unknown: Any,
    ) -> None:
        check_world("RealNetwork", unknown, ("seed", "overlay", "binary"), self._settings)
        super().__init__(seed, overlay)
        self._binary = _find_binary(binary)
        self._start = time.monotonic()
        self._running: dict[int, bool] = {}
        self._online: dict[int, bool] = {}
        self._addresses: dict[int, str] = {}
        self._commands: dict[int, list[str]] = {}
        self._acknowledged: dict[Note, None] = {}
        self._partition: list[list[int]] = []
        self._past_flows: dict[tuple[int, str], dict[str, list[int]]] = {}
        self._checker = Checker(self)
        self.directory = Path(tempfile.mkdtemp(prefix="np2p-"))
        self._agent = _start_agent()
        self._closer = weakref.finalize(self, _clean, self._agent, self.directory)
        self._order("setup")

    def __repr__(self) -> str:
        return f"<RealNetwork seed={self.seed}: {len(self.nodes)} servers, {self.now:.1f} s>"

    def close(self) -> None:
        """Ends every server and removes their data."""
        self._closer()

    # --- metrics ----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return time.monotonic() - self._start

    @property
    def events(self) -> int:
        """In a simulation only."""
        raise Unsupported("events are counted by np2p.Simulation only")

    def digest(self) -> int:
        """In a simulation only."""
        raise Unsupported("a trace digest exists in np2p.Simulation only: real time does not repeat itself")

    def deliveries(self, note: Note) -> Any:
        """One row per server that accepted the note, by its log: node and latency_s (to a millisecond, from when the
        author's server accepted it). What nobody can see here is -1 (hops) and nan (direct_latency_s)."""
        author = self.audience(note).author
        times = {node.index: self._accepted_at(node, note) for node in self.nodes}
        start = times.pop(author)
        found = [(index, at - start) for index, at in times.items() if at is not None and start is not None]
        rows = np.zeros(len(found), dtype=DELIVERY_DTYPE)
        rows["hops"], rows["direct_latency_s"] = -1, np.nan
        for row, (index, latency) in zip(rows, found):
            row["node"], row["latency_s"] = index, latency
        return rows.view(Table)

    def traffic(self) -> Any:
        """Row i is the i-th node added: wire bytes and messages since the start. Payload, duplicates and what was
        relayed are what the servers count, with the headers by the formula of the simulator; control is the rest of
        what the kernel counted at the machine's public interface: handshakes and acknowledgements."""
        rows = np.zeros(len(self.nodes), dtype=TRAFFIC_DTYPE)
        for row, node in zip(rows, self.nodes):
            row["node"] = node.index
            packets = self._order("packets", index=node.index)
            flows = self._flows(node)
            for side, counted in (("in", packets["received"]), ("out", packets["sent"])):
                row[f"bytes_{side}"], row[f"bytes_{side}_msgs"] = counted[1], sum(
                    one[0] for one in flows[side].values()
                )
                for kind, (frames, octets) in flows[side].items():
                    row[f"{kind}_{side}_msgs"] = frames
                    if kind != "control":
                        row[f"{kind}_{side}"] = _wire_bytes(frames, octets)
                rest = (int(row[f"{kind}_{side}"]) for kind in ("payload", "duplicate", "relay"))
                row[f"control_{side}"] = counted[1] - sum(rest)
        return rows.view(Table)

    def overlay_graph(self, *, active: bool = False) -> Any:
        """In a simulation only."""
        raise Unsupported("overlay_graph() needs np2p.Simulation; net.status(node) works here")

    def server_of(self, user: Node, *, asked: Node) -> str | None:
        """In a simulation only."""
        raise Unsupported("server_of() needs np2p.Simulation: a real server does not tell whom it believes")

    def rejections(self, node: Node) -> dict[str, int]:
        """In a simulation only."""
        raise Unsupported("rejections() needs np2p.Simulation; net.log(node) works here")

    def memory(self) -> float:
        """In a simulation only."""
        raise Unsupported("memory() is about the simulator; np2p.Simulation has it")

    def status(self, node: Node) -> dict[str, Any]:
        """What the server says of itself (GET /status)."""
        self.check_mine("node", node)
        status, body = self._request(node, "GET", "/status", b"")
        if status != 200:
            raise Error(f"node {node.index} answers GET /status with {status}")
        found: dict[str, Any] = json.loads(body)
        return found

    def node_id(self, node: Node) -> str:
        return str(self.status(node)["node_id"])

    def _accepted_at(self, node: Node, note: Note) -> float | None:
        """When the server first wrote that it has accepted the note; seconds of the wall clock."""
        for line in self.log(node).splitlines():
            if f" event {note.id} accepted " in line:
                return datetime.fromisoformat(line[:23]).timestamp()
        return None

    def _flows(self, node: Node) -> dict[str, dict[str, list[int]]]:
        """Frames and their bytes by direction and class, over all lives of the server."""
        total = {side: dict(self._past_flows.get((node.index, side), {})) for side in ("in", "out")}
        if self.is_running(node):
            status = self.status(node)
            for side, flows in total.items():
                for kind, one in status[f"frames_{side}"].items():
                    before = flows.get(kind, [0, 0])
                    flows[kind] = [before[0] + one["frames"], before[1] + one["bytes"]]
        return total

    def _remember_flows(self, node: Node) -> None:
        """Before the process ends, and its counts with it."""
        for side, flows in self._flows(node).items():
            self._past_flows[(node.index, side)] = flows

    def pause(self, node: Node) -> None:
        """SIGSTOP: the process stands still, its connections stay."""
        self._order("pause", index=self.check_mine("node", node).index, paused=True)

    def resume(self, node: Node) -> None:
        """SIGCONT: the process goes on."""
        self._order("pause", index=self.check_mine("node", node).index, paused=False)

    def log(self, node: Node) -> str:
        """Everything the server has written."""
        path = self._directory_of(self.check_mine("node", node).index) / "log.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- the world's primitives -------------------------------------------------------------------------------------

    def _create(self, index: int, nat: Nat | None, mode: str, ways_in: list[int], settings: dict[str, Any]) -> Key:
        boxes = _boxes(nat)
        simulated = [name for name in (*SWARM, "review_every", "switch_pause") if name in settings]
        if simulated:
            raise Unsupported(f"{simulated[0]}= needs np2p.Simulation: a real server has its own numbers")
        if settings.get("behaviour", "honest") != "honest":
            raise Unsupported("behaviour= needs np2p.Simulation: real servers are honest here")
        key = Key.from_seed(self.seed, index)
        directory = self._directory_of(index)
        made = self._order("add", index=index, directory=str(directory), boxes=boxes)
        self._addresses[index] = made["address"]
        command = [str(self._binary), "server", "-l", f"0.0.0.0:{PORT}", "-p", key.npub]
        command += ["--data-dir", str(directory / "data"), "--mode", mode, "--api-listen", f"127.0.0.1:{API_PORT}"]
        for way_in in ways_in:
            command += ["-b", f"{self._addresses[way_in]}:{PORT}"]
        command += ["--overlay", self.overlay, "--replies", settings.get("replies", "everybody")]
        if "keep_events" in settings:
            directory.mkdir(parents=True, exist_ok=True)
            config = directory / "config.toml"
            config.write_text(f"[retention]\nevents = {settings['keep_events']}\n")
            command += ["--config", str(config)]
        if "broadcast_budget" in settings:
            command += ["--broadcast-budget", str(settings["broadcast_budget"])]
        command.append("-d")  # deliveries() reads in the log when a note was accepted
        command.append(f"-w={'true' if settings.get('writable', True) else 'false'}")
        self._commands[index] = command
        self._online[index] = True
        self._launch(index)
        return key

    def _launch(self, index: int) -> None:
        self._order("start", index=index, command=self._commands[index], api_port=API_PORT)
        self._order("wait_ready", index=index, within=20.0)
        self._running[index] = True

    def _advance(self, duration: float, what: str) -> None:
        end = time.monotonic() + duration
        with Progress(what, duration) as bar:
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.2))
                bar.update(duration - max(0.0, end - time.monotonic()))
        self._raise_if_dead()

    def standing(self, node: Node) -> Standing:
        status = self.status(node)
        links = sum(one["established"] for one in status["neighbours"])
        overlay = status["overlay"]
        return Standing(links, status["reachable"], overlay["active"] + overlay["clients"], overlay["published"])

    def mode_now(self, node: Node) -> str:
        return str(self.status(node)["mode_now"])

    def network_size(self, node: Node) -> int:
        return int(self.status(node)["overlay"]["servers"])

    def linked_pairs(self) -> Iterable[tuple[int, int]]:
        by_name = {node.public_key[-12:]: node.index for node in self.nodes}  # a link's name: the last 48 bits
        for node in self.nodes:
            if not self.is_running(node):
                continue
            for one in self.status(node)["neighbours"]:
                if one["established"] and one["name"] in by_name:
                    yield node.index, by_name[one["name"]]

    def wall_seconds(self, node: Node) -> int:
        return int(time.time())

    def _online_nodes(self) -> npt.NDArray[np.int64]:
        return np.array([node.index for node in self.nodes if self.is_online(node)], dtype=np.int64)

    def _holders(self, note: Note, among: set[int]) -> int:
        return sum(self.nodes[index].has(note) for index in among)

    def _publish(self, node: Node, note: Note) -> None:
        if not self.is_running(node):
            raise PublishRefused(f"node {node.index} is not running")
        status, body = self._request(node, "POST", "/publish", note.json().encode())
        if status != 200:
            reason = body.decode(errors="replace").strip()
            raise PublishRefused(f"node {node.index} refused an event of kind {note.kind}: {status} {reason}")
        self._acknowledged[note] = None

    def query_store(
        self,
        node: Node,
        kinds: list[int] | None,
        authors: list[str] | None,
        ids: list[str] | None,
        limit: int | None,
    ) -> list[Note]:
        if not self.is_running(node):
            return []
        wanted: dict[str, Any] = {"kinds": kinds, "authors": authors, "ids": ids}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        found: dict[Note, None] = {}
        while limit is None or len(found) < limit:
            wanted["limit"] = PAGE if limit is None else min(PAGE, limit)
            status, body = self._request(node, "POST", "/req", json.dumps(wanted).encode())
            if status != 200:
                raise Error(f"node {node.index} answers POST /req with {status} {body.decode(errors='replace')}")
            notes = decode_answer(body)
            if len(set(notes)) != len(notes):
                raise InvariantViolation(f"node {node.index} at {self.now:.3f} s: S2: an id appears twice in an answer")
            before = len(found)
            found.update(dict.fromkeys(notes))
            if len(notes) < wanted["limit"] or len(found) == before:
                break
            wanted["until"] = min(note.created_at for note in notes)
        return sorted(found, key=lambda note: (-note.created_at, note.id))[:limit]

    def set_online(self, node: Node, online: bool, *, new_address: bool) -> None:
        made = self._order("online", index=node.index, up=online, new_address=new_address)
        self._addresses[node.index] = made["address"]
        self._online[node.index] = online

    def paths(self, node: Node) -> dict[str, str]:
        return {one["name"]: one["path"] for one in self.status(node)["neighbours"] if one["established"]}

    def nat_class(self, node: Node) -> str:
        return str(self.status(node)["nat"])

    def rebind(self, node: Node) -> None:
        self._addresses[node.index] = self._order("rebind", index=node.index)["address"]

    def is_online(self, node: Node) -> bool:
        return self._online[node.index] and self._running[node.index]

    def is_plugged(self, node: Node) -> bool:
        return self._online[node.index]

    def is_running(self, node: Node) -> bool:
        return self._running[node.index]

    def kill(self, node: Node, *, silent: bool) -> None:
        if self.is_running(node):
            self._remember_flows(node)
        self._order("kill", index=node.index, silent=silent)
        self._running[node.index] = False

    def start_again(self, node: Node, *, lose_disk: bool) -> None:
        if self._running[node.index]:
            self._remember_flows(node)
            self._order("stop", index=node.index)
            self._running[node.index] = False
        if lose_disk:
            self._order("wipe", index=node.index)
            self._checker.disk_lost(node)
        if self._online[node.index]:
            self._order("online", index=node.index, up=True, new_address=False)
        self._launch(node.index)

    def acknowledged(self, note: Note) -> bool:
        return note in self._acknowledged

    def check(self) -> None:
        self._raise_if_dead()
        self._checker.check(self._acknowledged)

    def _raise_if_dead(self) -> None:
        state = self._order("alive")
        for index, words in state["ended"].items():
            if self._running[int(index)]:
                raise InvariantViolation(f"the server of node {index} ended at {self.now:.1f} s: {words}")

    def _cut(self, sides: list[list[Node]]) -> None:
        if self._partition:
            raise Unsupported("a second partition() before heal() needs np2p.Simulation")
        self._partition = [[node.index for node in side] for side in sides]
        self._order("cut", groups=self._partition)

    def end_cuts(self) -> None:
        self._partition = []
        self._order("cut", groups=[])

    def set_loss(self, probability: float) -> None:
        self._order("lose", share=probability)

    # --- the agent --------------------------------------------------------------------------------------------------

    def _directory_of(self, index: int) -> Path:
        return self.directory / f"node{index}"

    def _request(self, node: Node, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        answer = self._order(
            "request",
            index=node.index,
            method=method,
            path=path,
            body=base64.b64encode(body).decode(),
            headers=JSON_HEADERS,
        )
        return int(answer["status"]), base64.b64decode(answer["body"])

    def _order(self, what: str, **details: Any) -> dict[str, Any]:
        if not self._closer.alive:
            raise Error("this RealNetwork is closed")
        orders, answers = self._agent.stdin, self._agent.stdout
        assert orders is not None and answers is not None
        try:
            orders.write(json.dumps({"do": what, **details}) + "\n")
            orders.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Unsupported(f"the namespaces cannot be made here: {_last_words(self._agent)}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise Error(f"{what}: {answer['failed']}")
        return answer


def _start_agent() -> subprocess.Popen[str]:
    if shutil.which("unshare") is None:
        raise Unsupported("RealNetwork needs unshare(1) (Debian package util-linux)")
    agent = Path(__file__).with_name("agent.py")
    python = sys.executable or "/usr/bin/python3"
    return subprocess.Popen(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            python,
            "-I",
            str(agent),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,  # Ctrl-C is for the scenario; the agent ends when its stdin does
    )


def _last_words(agent: subprocess.Popen[str]) -> str:
    agent.kill()
    words = agent.stderr.read().strip() if agent.stderr is not None else ""
    return words.splitlines()[-1] if words else "the agent ended without a word"


def _clean(agent: subprocess.Popen[str], directory: Path) -> None:
    for stream in (agent.stdin, agent.stdout, agent.stderr):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass
    try:
        agent.wait(5)
    except subprocess.TimeoutExpired:
        agent.kill()
        agent.wait()
    if not os.environ.get("NP2P_KEEP"):
        shutil.rmtree(directory, ignore_errors=True)


def _wire_bytes(frames: int, octets: int) -> int:
    """What frames cost on the wire by the simulator's formula (simnet/wire_cost.h), if no one is much above average."""
    each = octets / frames + FRAME_HEADER + RECORD if frames else 0
    return round(frames * (each + math.ceil(each / SEGMENT) * SEGMENT_HEADER))


def _boxes(nat: Nat | None) -> list[dict[str, Any]]:
    """The NAT boxes, outermost first, if nftables can play them."""
    boxes: list[dict[str, Any]] = []
    while nat is not None:
        symmetric = nat.mapping == "address_port_dependent"
        if nat.mapping == "address_dependent":
            raise Unsupported("mapping='address_dependent' cannot be made of nftables; np2p.Simulation has it")
        if symmetric and nat.filtering != "address_port_dependent":
            raise Unsupported(f"a symmetric NAT with filtering={nat.filtering!r} cannot be made of nftables")
        if nat.port_allocation != ("random" if symmetric else "preserving"):
            raise Unsupported(
                f"port_allocation={nat.port_allocation!r} with mapping={nat.mapping!r} cannot be made of nftables"
            )
        if nat.hairpin:
            raise Unsupported("hairpin=True is not made here: every box has one machine behind it")
        boxes.insert(
            0,
            {"mapping": nat.mapping, "filtering": nat.filtering, "mapping_timeout": max(1, round(nat.mapping_timeout))},
        )
        nat = nat.outer
    return boxes


def _find_binary(binary: str | os.PathLike[str] | None) -> Path:
    """The server: as given, $NP2P_SERVER, beside the built module, or on the PATH."""
    if binary is not None:
        chosen = Path(binary)
        if not chosen.is_file():
            raise ValueError(f"binary must be a file; {chosen} is not")
        return chosen.resolve()
    candidates = [os.environ.get("NP2P_SERVER"), str(Path(__file__).resolve().parents[3] / "nostrp2p")]
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate).resolve()
    found = shutil.which("nostrp2p")
    if found is None:
        raise Unsupported("the server binary nostrp2p was not found: build it, or name it as binary= or in NP2P_SERVER")
    return Path(found)
