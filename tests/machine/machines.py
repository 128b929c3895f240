"""Bare Debian machines on this one: systemd is their first process (systemd-nspawn), each has a network namespace.

`Internet` has a public machine's place ("home") and one behind a router with NAT ("friend"); nothing of it shows in
this machine's own network. `prepare` makes the file system of a bare Debian 12 once and keeps it; a machine writes into
a layer above it.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE = 180.0  # seconds; this machine may have other things to do


def run(
    *words: str, check: bool = True, text_in: str | None = None, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, input=text_in or "", timeout=timeout)
    assert not check or done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def until(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> float:
    """Seconds that it took until `holds`."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() < started + patience, f"waited {patience} s in vain: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def prepare(base: Path, package: Path) -> None:
    """What a bare machine has on its disk, and what `apt install` of the package will want from the network.

    The machines have no way to the real Internet: apt finds in its cache what it would have fetched.
    """
    if not (base / "usr/lib/systemd/systemd").exists():
        base.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(base, ignore_errors=True)
        packages = "--include=systemd,systemd-sysv,dbus"
        run("debootstrap", "--variant=minbase", packages, "bookworm", str(base), timeout=3600)
    depends = run("dpkg-deb", "-f", str(package), "Depends").stdout
    stamp = base / "var/cache" / ("nostrp2p-" + hashlib.sha256(depends.encode()).hexdigest()[:16])
    if stamp.exists():
        return
    copy = base / "opt" / package.name
    shutil.copy(package, copy)
    run("chroot", str(base), "apt-get", "-q", "update")
    run("chroot", str(base), "apt-get", "-q", "-y", "--download-only", "install", f"/opt/{package.name}")
    copy.unlink()
    stamp.touch()


class Internet:
    """net is a bridge that plays the Internet; home is on it; friend is behind router, which masquerades (port by port
    as Linux does) and lets nothing in that did not go out before."""

    HOME = "198.18.0.10"

    def __init__(self) -> None:
        token = secrets.token_hex(3)
        self.name = {name: f"np2p-{token}-{name}" for name in ("net", "home", "router", "friend")}

    def path(self, name: str) -> str:
        return f"/run/netns/{self.name[name]}"

    def inside(self, name: str) -> list[str]:
        return ["nsenter", f"--net={self.path(name)}"]

    def _wire(self, one: str, device: str, address: str, other: str, end: str) -> None:
        ends = ["peer", "name", end, "netns", self.name[other]]
        run("ip", "-n", self.name[one], "link", "add", device, "type", "veth", *ends)
        run("ip", "-n", self.name[one], "address", "add", address, "dev", device)
        run("ip", "-n", self.name[one], "link", "set", device, "up")
        run("ip", "-n", self.name[other], "link", "set", end, "up")

    def build(self) -> None:
        for name in self.name.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        net = self.name["net"]
        run("ip", "-n", net, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", net, "link", "set", "bridge", "up")
        self._wire("home", "eth0", f"{self.HOME}/24", "net", "to-home")
        self._wire("router", "wan", "198.18.0.20/24", "net", "to-router")
        for port in ("to-home", "to-router"):
            run("ip", "-n", net, "link", "set", port, "master", "bridge")
        self._wire("friend", "eth0", "198.19.0.2/24", "router", "lan")
        run("ip", "-n", self.name["router"], "address", "add", "198.19.0.1/24", "dev", "lan")
        run("ip", "-n", self.name["friend"], "route", "add", "default", "via", "198.19.0.1")
        rules = """
          table ip nat {
            chain out { type nat hook postrouting priority 100; oifname "wan" masquerade; }
          }
          table ip door {
            chain in { type filter hook input priority 0; iifname "wan" ct state new drop; }
            chain through { type filter hook forward priority 0; iifname "wan" ct state new drop; }
          }"""
        run(*self.inside("router"), "nft", "-f", "-", text_in=rules)
        run(*self.inside("router"), "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")

    def remove(self) -> None:
        for name in self.name.values():
            run("ip", "netns", "delete", name, check=False)


class Machine:
    """A Debian that boots, in the place `place` of the Internet."""

    def __init__(self, base: Path, directory: Path, internet: Internet, place: str) -> None:
        self.name = internet.name[place]
        self._network = internet.path(place)
        self._base = base
        self._directory = directory / place
        self.root = self._directory / "root"
        self._console: subprocess.Popen[bytes] | None = None
        self._leader = 0
        for part in ("root", "upper", "work"):
            (self._directory / part).mkdir(parents=True)
        layers = f"lowerdir={base},upperdir={self._directory / 'upper'},workdir={self._directory / 'work'}"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))

    def boot(self) -> float:
        """Seconds until systemd says that it is up."""
        started = time.monotonic()
        words = ["systemd-nspawn", "--quiet", "--register=no", "--boot", "--console=pipe", "--resolv-conf=off"]
        words += [f"--machine={self.name}", f"--network-namespace-path={self._network}", f"--directory={self.root}"]
        if not Path("/run/systemd/system").exists():
            # No service manager here that would give the machine a control group: it gets one from us.
            words.insert(1, "--keep-unit")
            enter = "".join(f'echo 0 > "{group}/cgroup.procs"; ' for group in self._groups(make=True))
            words = ["sh", "-c", enter + 'exec "$@"', "sh", *words]
        with (self._directory / "console").open("ab") as console:
            self._console = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        until("a first process", self._find_leader)
        until("systemd answers", lambda: self.run("systemctl", "is-system-running", check=False).stdout != "")
        self.run("systemctl", "is-system-running", "--wait", check=False)
        return time.monotonic() - started

    def _groups(self, make: bool = False) -> list[Path]:
        top = Path("/sys/fs/cgroup")
        hierarchies = [top] if (top / "cgroup.procs").exists() else [top / "systemd", top / "unified"]
        groups = [hierarchy / self.name for hierarchy in hierarchies if hierarchy.exists()]
        for group in groups:
            if make:
                group.mkdir(exist_ok=True)
        return [group for group in groups if group.exists()]

    def _find_leader(self) -> bool:
        assert self._console is not None and self._console.poll() is None, self.console()
        seen = [self._console.pid]
        for pid in seen:
            try:
                seen += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
                status = Path(f"/proc/{pid}/status").read_text()
                command = Path(f"/proc/{pid}/comm").read_text()
            except FileNotFoundError:
                continue
            spaces = next(line.split() for line in status.splitlines() if line.startswith("NSpid:"))
            if len(spaces) > 2 and spaces[-1] == "1" and command == "systemd\n":
                self._leader = pid
                return True
        return False

    def console(self) -> str:
        return (self._directory / "console").read_text(errors="replace")

    def words(self, *words: str) -> list[str]:
        """How root of the machine runs these words."""
        path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
        enter = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]
        return [*enter, "env", "-i", path, "LC_ALL=C.UTF-8", "TERM=dumb", *words]

    def run(self, *words: str, check: bool = True, text_in: str | None = None) -> subprocess.CompletedProcess[str]:
        return run(*self.words(*words), check=check, text_in=text_in)

    def sh(self, script: str, check: bool = True) -> str:
        """A line of README as root types it."""
        done = self.run("sh", "-ec", "cd /opt\n" + script, check=check)
        return done.stdout + done.stderr

    def unit(self, what: str) -> str:
        return self.run("systemctl", "show", "--value", "-p", what, "nostrp2p").stdout.strip()

    def journal(self) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", "nostrp2p").stdout

    def power_off(self) -> None:
        if self._console is None:
            return
        if self._console.poll() is None:
            self._console.terminate()  # nspawn hands it on as a press on the power button
            try:
                self._console.wait(60)
            except subprocess.TimeoutExpired:
                self._console.kill()
                self._console.wait()
        self._console = None

    def remove(self) -> None:
        self.power_off()
        run("umount", str(self.root), check=False)
        for group in self._groups():
            for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                inner.rmdir()
            group.rmdir()


def higher_version(package: Path, directory: Path, version: str, change_configuration: bool) -> Path:
    """The same package as a later version, with another line in the configuration that it ships."""
    directory.mkdir(exist_ok=True)
    tree = directory / "tree"
    run("dpkg-deb", "-R", str(package), str(tree))
    control = tree / "DEBIAN/control"
    old = run("dpkg-deb", "-f", str(package), "Version").stdout.strip()
    text = control.read_text()
    assert f"\nVersion: {old}\n" in text
    control.write_text(text.replace(f"\nVersion: {old}\n", f"\nVersion: {version}\n"))
    if change_configuration:
        with (tree / "etc/nostrp2p/nostrp2p.toml").open("a") as shipped:
            shipped.write("\n# A key of the next version\n#next = 1\n")
    later = directory / f"nostrp2p_{version}_amd64.deb"
    run("dpkg-deb", "--root-owner-group", "-b", str(tree), str(later))
    return later


def lines_of(process: subprocess.Popen[str], wanted: Sequence[str]) -> None:
    """Reads what a process says until it has said these lines."""
    assert process.stdout is not None
    for line in wanted:
        said = process.stdout.readline().strip()
        assert said == line, f"said {said!r} instead of {line!r}"
