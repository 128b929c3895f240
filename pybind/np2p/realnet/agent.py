"""The stagehand of RealNetwork: a process that lives inside its own user, network, mount and PID namespaces.

It is started by real.py through unshare(1) and takes orders as JSON lines on stdin, one answer line on stdout per order.
It builds the public network (a bridge, 198.18.0.0/15), a network namespace per server, NAT routers out of nftables, and
runs the servers. When it ends, for whatever reason, the kernel takes everything inside down with it. It knows only the
standard library and imports nothing of np2p: it is run as a file.
"""

from __future__ import annotations

import base64
import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

# Where ip, nft and sysctl live; the PATH of an ordinary user of Debian leaves these out.
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
PUBLIC_PREFIX = 15
ROUTER_RULES = """
table ip box {{
  set mapped {{ type inet_service; flags dynamic,timeout; }}
  set allowed {{ type ipv4_addr . inet_service; flags dynamic,timeout; }}
  chain out {{
    type nat hook postrouting priority 100;
    oifname "out" masquerade {masquerade}
  }}
  chain in {{
    type nat hook prerouting priority -100;
    iifname "out" {inbound}
  }}
  chain self {{
    type filter hook input priority 0;
    iifname "out" ct state new drop
  }}
  chain through {{
    type filter hook forward priority 0;
    iifname "in" tcp flags syn {learn}
    iifname "out" ct status dnat accept
    iifname "out" ct state new drop
  }}
}}
"""
# Whole IPv4 packets, as they are on the public network: handshakes and acknowledgements included.
COUNT_RULES = """
table ip count {
  counter received { }
  counter sent { }
  chain in {
    type filter hook prerouting priority -300;
    iifname "out" counter name received
  }
  chain out {
    type filter hook postrouting priority 300;
    oifname "out" counter name sent
  }
}
"""
EDGE_RULES = """
table ip edge {{
  set blocked {{ type ipv4_addr; }}
  chain arrive {{
    type filter hook prerouting priority -300;
    iifname "out" ip saddr @blocked drop
    {loss}
  }}
}}
"""


class Failed(Exception):
    """An order cannot be carried out; the message goes back to the scenario."""


def run(*command: str, stdin: str | None = None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def die_with_parent() -> None:
    LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


@dataclass
class Box:
    """A NAT router: its namespace and how it behaves, from the outermost to the innermost."""

    namespace: str
    rules: str
    mapping_timeout: int


@dataclass
class Server:
    index: int
    namespace: str  # where the process runs
    edge: str  # the namespace that holds the public address: the host's own or the outermost router's
    address: str
    directory: Path
    generation: int = 0
    process: subprocess.Popen[bytes] | None = None
    command: list[str] = field(default_factory=list)
    api_port: int = 0
    link: http.client.HTTPConnection | None = None


class Stage:
    def __init__(self) -> None:
        self.servers: dict[int, Server] = {}
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.groups: list[list[int]] = []
        self.loss = 0.0

    # --- the public network -----------------------------------------------------------------------------------------

    def setup(self) -> dict[str, Any]:
        for tool in ("ip", "nft", "sysctl"):
            if shutil.which(tool) is None:
                raise Failed(f"the program {tool} is missing (Debian packages iproute2, nftables and procps)")
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        os.makedirs("/run/netns")
        run("ip", "-batch", "-", stdin="link set lo up\nlink add br0 type bridge\nlink set br0 up\n")
        return {}

    def address_of(self, index: int, generation: int) -> str:
        """Every server has a /24 of its own in 198.18.0.0/15; a new address is the next one in it."""
        block = index + 1
        return f"198.{18 + block // 256}.{block % 256}.{10 + generation % 240}"

    def add(self, index: int, directory: str, boxes: list[dict[str, Any]]) -> dict[str, Any]:
        """A machine behind `boxes` (outermost first), not yet running anything."""
        address = self.address_of(index, 0)
        host = f"h{index}"
        chain = [
            Box(f"r{index}x{depth}", self._router_rules(box, index, depth), int(box["mapping_timeout"]))
            for depth, box in enumerate(boxes)
        ]
        run("ip", "netns", "add", host)
        for box in chain:
            run("ip", "netns", "add", box.namespace)
        edge = chain[0].namespace if chain else host
        lines = [f"link add p{index} type veth peer name out netns {edge}", f"link set p{index} master br0 up"]
        run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")
        run(
            "ip",
            "-n",
            edge,
            "-batch",
            "-",
            stdin=f"link set lo up\naddr add {address}/{PUBLIC_PREFIX} dev out\nlink set out up\n",
        )
        for depth, box in enumerate(chain):
            inner = chain[depth + 1].namespace if depth + 1 < len(chain) else host
            self._join_inside(box, inner, index, depth)
        run("ip", "netns", "exec", edge, "nft", "-f", "-", stdin=EDGE_RULES.format(loss=self._loss_rule()))
        run("ip", "netns", "exec", edge, "nft", "-f", "-", stdin=COUNT_RULES)
        Path(directory).mkdir(parents=True, exist_ok=True)
        self.servers[index] = Server(index, host, edge, address, Path(directory))
        if self.groups:
            self._block()
        return {"address": address}

    def _join_inside(self, box: Box, inner: str, index: int, depth: int) -> None:
        gateway, guest = self._inside(index, depth, 1), self._inside(index, depth, 2)
        last = not inner.startswith("r")
        run(
            "ip",
            "-n",
            box.namespace,
            "-batch",
            "-",
            stdin=f"link add in type veth peer name out netns {inner}\naddr add {gateway}/24 dev in\nlink set in up\n",
        )
        run(
            "ip",
            "-n",
            inner,
            "-batch",
            "-",
            stdin=f"link set lo up\naddr add {guest}/24 dev out\nlink set out up\nroute add default via {gateway}\n",
        )
        sysctl = f"net.netfilter.nf_conntrack_tcp_timeout_established={box.mapping_timeout}"
        run("ip", "netns", "exec", box.namespace, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1", sysctl)
        run("ip", "netns", "exec", box.namespace, "nft", "-f", "-", stdin=box.rules)
        assert last or depth == 0

    @staticmethod
    def _inside(index: int, depth: int, last: int) -> str:
        return f"10.{100 * depth + index // 256}.{index % 256}.{last}"

    def _router_rules(self, box: dict[str, Any], index: int, depth: int) -> str:
        guest = self._inside(index, depth, 2)
        symmetric = box["mapping"] != "endpoint_independent"
        inbound, learn = "accept", "accept"
        lifetime = f"timeout {int(box['mapping_timeout'])}s"
        if box["filtering"] == "endpoint_independent":
            inbound = f"tcp dport @mapped dnat to {guest}"
            learn = f"update @mapped {{ tcp sport {lifetime} }} accept"
        elif box["filtering"] == "address_dependent":
            inbound = f"ip saddr . tcp dport @allowed dnat to {guest}"
            learn = f"update @allowed {{ ip daddr . tcp sport {lifetime} }} accept"
        return ROUTER_RULES.format(masquerade="fully-random" if symmetric else "", inbound=inbound, learn=learn)

    # --- servers ----------------------------------------------------------------------------------------------------

    def start(self, index: int, command: list[str], api_port: int) -> dict[str, Any]:
        server = self.servers[index]
        self._must_not_run(server)
        server.command, server.api_port = command, api_port
        log = open(server.directory / "log.txt", "ab")
        server.process = subprocess.Popen(
            ["ip", "netns", "exec", server.namespace, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
        log.close()
        return {"pid": server.process.pid}

    def wait_ready(self, index: int, within: float) -> dict[str, Any]:
        """Until the API accepts a connection."""
        server = self.servers[index]
        end = time.monotonic() + within
        while time.monotonic() < end:
            if server.process is None or server.process.poll() is not None:
                raise Failed(f"server {index} ended at its start: {self._last_words(server)}")
            try:
                self._connect(server).close()
                return {}
            except OSError:
                time.sleep(0.01)
        raise Failed(f"server {index} does not answer on port {server.api_port}: {self._last_words(server)}")

    def kill(self, index: int, silent: bool) -> dict[str, Any]:
        server = self.servers[index]
        if silent:
            run("ip", "-n", server.edge, "link", "set", "out", "down")
        self._end(server, signal.SIGKILL)
        return {}

    def stop(self, index: int) -> dict[str, Any]:
        self._end(self.servers[index], signal.SIGTERM)
        return {}

    def pause(self, index: int, paused: bool) -> dict[str, Any]:
        server = self.servers[index]
        if server.process is None:
            raise Failed(f"server {index} is not running")
        server.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)
        return {}

    def wipe(self, index: int) -> dict[str, Any]:
        server = self.servers[index]
        self._must_not_run(server)
        shutil.rmtree(server.directory / "data", ignore_errors=True)
        return {}

    def alive(self) -> dict[str, Any]:
        """Which servers run; of those that ended without being told, their last words."""
        running, ended = [], {}
        for server in self.servers.values():
            if server.process is not None and server.process.poll() is None:
                running.append(server.index)
            elif server.process is not None:
                ended[server.index] = f"exit status {server.process.returncode}: {self._last_words(server)}"
        return {"running": running, "ended": ended}

    def _end(self, server: Server, how: signal.Signals) -> None:
        if server.link is not None:
            server.link.close()
            server.link = None
        if server.process is None:
            return
        server.process.send_signal(how)
        try:
            server.process.wait(10)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
            server.process = None
            raise Failed(f"server {server.index} did not end within 10 s of {how.name}") from None
        server.process = None

    def _must_not_run(self, server: Server) -> None:
        if server.process is not None and server.process.poll() is None:
            raise Failed(f"server {server.index} is running")

    @staticmethod
    def _last_words(server: Server) -> str:
        try:
            lines = (server.directory / "log.txt").read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return " / ".join(lines[-3:]) if lines else "it said nothing"

    # --- the client's side ------------------------------------------------------------------------------------------

    def request(self, index: int, method: str, path: str, body: str, headers: dict[str, str]) -> dict[str, Any]:
        """One HTTP request to a server's own API, from inside its machine. `body` and the answer are base64."""
        server = self.servers[index]
        payload = base64.b64decode(body)
        for attempt in (1, 2):
            fresh = server.link is None
            try:
                if server.link is None:
                    server.link = self._connect(server)
                server.link.request(method, path, body=payload, headers=headers)
                answer = server.link.getresponse()
                content = answer.read()
                if answer.will_close:
                    server.link.close()
                    server.link = None
                return {"status": answer.status, "body": base64.b64encode(content).decode()}
            except (OSError, http.client.HTTPException) as problem:
                if server.link is not None:
                    server.link.close()
                    server.link = None
                if fresh or attempt == 2:
                    raise Failed(f"server {index} does not answer: {problem or type(problem).__name__}") from None
        raise AssertionError("unreachable")

    def _connect(self, server: Server) -> http.client.HTTPConnection:
        """A connection whose socket was made inside the server's namespace; it stays there for its life."""
        inside = os.open(f"/run/netns/{server.namespace}", os.O_RDONLY)
        try:
            self._enter(inside)
            try:
                link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            finally:
                self._enter(self.home)
        finally:
            os.close(inside)
        link.settimeout(30)
        try:
            link.connect(("127.0.0.1", server.api_port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            link.close()
            raise
        connection = http.client.HTTPConnection("127.0.0.1", server.api_port, timeout=30)
        connection.sock = link
        return connection

    @staticmethod
    def _enter(namespace: int) -> None:
        if LIBC.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns failed")

    # --- what happens to the network --------------------------------------------------------------------------------

    def online(self, index: int, up: bool, new_address: bool) -> dict[str, Any]:
        server = self.servers[index]
        if new_address:
            server.generation += 1
            server.address = self.address_of(index, server.generation)
            lines = f"addr flush dev out\naddr add {server.address}/{PUBLIC_PREFIX} dev out\n"
            run("ip", "-n", server.edge, "-batch", "-", stdin=lines)
        run("ip", "-n", server.edge, "link", "set", "out", "up" if up else "down")
        if new_address and self.groups:
            self._block()
        return {"address": server.address}

    def rebind(self, index: int) -> dict[str, Any]:
        """The outermost router has another address. With the old one the kernel drops what it had masqueraded."""
        server = self.servers[index]
        lists = "flush set ip box mapped\nflush set ip box allowed\n"
        run("ip", "netns", "exec", server.edge, "nft", "-f", "-", stdin=lists)
        return self.online(index, True, True)

    def packets(self, index: int) -> dict[str, Any]:
        """IPv4 packets and bytes that the machine (its outermost router) received and sent on the public network."""
        found = run(
            "ip", "netns", "exec", self.servers[index].edge, "nft", "-j", "list", "counters", "table", "ip", "count"
        )
        counters = [one["counter"] for one in json.loads(found)["nftables"] if "counter" in one]
        return {one["name"]: [one["packets"], one["bytes"]] for one in counters}

    def cut(self, groups: list[list[int]]) -> dict[str, Any]:
        self.groups = groups
        self._block()
        return {}

    def lose(self, share: float) -> dict[str, Any]:
        self.loss = share
        for server in self.servers.values():
            self._rewrite_edge(server)
        self._block()
        return {}

    def _loss_rule(self) -> str:
        threshold = round(self.loss * 10000)
        return f'iifname "out" numgen random mod 10000 < {threshold} drop' if threshold > 0 else ""

    def _rewrite_edge(self, server: Server) -> None:
        rules = "delete table ip edge\n" + EDGE_RULES.format(loss=self._loss_rule())
        run("ip", "netns", "exec", server.edge, "nft", "-f", "-", stdin=rules)

    def _block(self) -> None:
        for server in self.servers.values():
            others = [
                self.servers[other].address
                for group in self.groups
                if server.index not in group and any(server.index in side for side in self.groups)
                for other in group
            ]
            rules = "flush set ip edge blocked\n"
            if others:
                rules += f"add element ip edge blocked {{ {', '.join(others)} }}\n"
            run("ip", "netns", "exec", server.edge, "nft", "-f", "-", stdin=rules)


def main() -> None:
    os.environ["PATH"] = os.pathsep.join(filter(None, [os.environ.get("PATH", ""), SYSTEM_PATH]))
    die_with_parent()
    stage = Stage()
    orders: dict[str, Callable[..., dict[str, Any]]] = {
        name: getattr(stage, name)
        for name in "setup add start wait_ready kill stop pause wipe alive request online rebind packets cut lose".split()
    }
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = orders[order.pop("do")](**order)
        except Failed as problem:
            answer = {"failed": str(problem)}
        except Exception as problem:  # noqa: BLE001 - whatever it is, the scenario must hear of it
            answer = {"failed": f"{type(problem).__name__}: {problem}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for server in stage.servers.values():
        if server.process is not None:
            server.process.kill()


if __name__ == "__main__":
    main()
