"""Runs the benchmarks and prints each candidate beside its yardstick, measured in the same run.

    ./dev bench             everything: the ratios, then the figures without a yardstick
    ./dev bench NAME...     only what has NAME in its name (phold, message, ingest, publish, overlay, idle, ...)
    ./dev bench overlay --nodes 10000       the overlay in a network of so many nodes and not of 1,000
    ./dev bench slow        what an honest client notices of slow clients and floods; bytes: what a client costs on the wire

Candidate and yardstick take turns and the best of several rounds counts, because machines are shared and noisy; both are
built with the same flags. Absolute figures say little about another machine, the ratios more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
ROUNDS = 3

# A measurement: runs once and returns a rate (per second).
Measure = Callable[[], float]


def run(command: list[str], **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def google(program: str, pattern: str, seconds: float = 0.5) -> list[dict[str, float | str]]:
    """The results of a Google Benchmark program."""
    arguments = [f"--benchmark_filter={pattern}", f"--benchmark_min_time={seconds}", "--benchmark_format=json"]
    text = run([str(BUILD / f"bench_{program}"), *arguments])
    rows: list[dict[str, float | str]] = json.loads(text[text.index("{") :])["benchmarks"]
    failed = [row for row in rows if row.get("error_occurred")]
    if failed:
        raise SystemExit(f"bench: {program}: {failed[0]['name']}: {failed[0].get('error_message')}")
    if not rows:
        raise SystemExit(f"bench: bench_{program} has no benchmark {pattern}")
    return rows


def rate(row: dict[str, float | str]) -> float:
    """Per second of CPU, or of wall time where the benchmark asks for it."""
    if "items_per_second" in row:
        return float(row["items_per_second"])
    unit = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}[str(row["time_unit"])]
    return unit / float(row["cpu_time"])


def candidate(program: str, name: str) -> Measure:
    return lambda: rate(google(program, f"^{name}(/min_time:[^/]*)?(/process_time)?(/real_time)?$")[0])


def yardstick(program: str, *arguments: str) -> Measure:
    def measure() -> float:
        found = re.search(r"(?:ev/s|msg/s|per_s)=([\d.]+)", run([str(BUILD / f"yardstick_{program}"), *arguments]))
        assert found, program
        return float(found.group(1))

    return measure


def sqlite_yardstick() -> float:
    # Beside the server's database, on the same disk.
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as directory:
        return yardstick("sqlite", directory, "200")()


@dataclass
class Pair:
    name: str
    candidate: Measure
    yardstick: Measure
    target: float  # of candidate / yardstick, at least

    def measure(self) -> tuple[float, float]:
        best_candidate = best_yardstick = 0.0
        for _ in range(ROUNDS):
            best_yardstick = max(best_yardstick, self.yardstick())
            best_candidate = max(best_candidate, self.candidate())
        return best_candidate, best_yardstick


PAIRS = [
    *(
        Pair(
            f"phold: event core, {label} pending",
            candidate("phold", f"phold/{n}"),
            yardstick("event_core", str(n), "3000000"),
            0.5,
        )
        for n, label in ((1_000, "10^3"), (100_000, "10^5"), (1_000_000, "10^6"))
    ),
    *(
        Pair(
            f"message: one NATed message, {label} nodes",
            candidate("message", f"message/{n}"),
            yardstick("message", str(n), "2000000"),
            1 / 3,
        )
        for n, label in ((1_000, "10^3"), (100_000, "10^5"))
    ),
    # Cost at most 1.15 times the bare signature check: the rate is at least 1 / 1.15 of it.
    Pair(
        "ingest: bytes to store, verified", candidate("ingest", "ingest"), candidate("ingest", "bare_verify"), 1 / 1.15
    ),
    Pair("publish: REST to durable, 1 connection", candidate("publish", "publish/1"), sqlite_yardstick, 0.6),
    Pair("publish: REST to durable, 8 connections", candidate("publish", "publish/8"), sqlite_yardstick, 3.0),
]
PROGRAMS = sorted(path.stem for path in (ROOT / "bench").glob("*.cpp"))
PAIRED_PROGRAMS = {"phold", "message", "publish", "web_socket"}
# Programs of JavaScript, because what they measure is what an ordinary client notices.
SCRIPTS = {"slow": "slow.mjs", "bytes": "bytes.mjs"}


def human(value: float) -> str:
    for limit, suffix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.2f}{suffix}/s"
    return f"{value:.1f} /s"


def print_ratios(names: list[str]) -> bool:
    pairs = [pair for pair in PAIRS if not names or any(name in pair.name for name in names)]
    if not pairs:
        return True
    print(f"{'':42} {'candidate':>12} {'yardstick':>12} {'ratio':>7} {'target':>7}")
    reached = True
    for pair in pairs:
        ours, theirs = pair.measure()
        ok = ours >= pair.target * theirs
        reached &= ok
        verdict = "" if ok else "  below"
        print(
            f"{pair.name:42} {human(ours):>12} {human(theirs):>12} {ours / theirs:7.2f} {pair.target:7.2f}{verdict}",
            flush=True,
        )
    return reached


def fsyncs_per_publish() -> None:
    """Counted by strace, on one connection and on eight together; slowed down by it, so only the count means anything."""
    if shutil.which("strace") is None:
        print("publish: fdatasync calls are not counted: there is no strace")
        return
    for connections in (1, 8):
        with tempfile.NamedTemporaryFile(dir=BUILD, suffix=".strace") as summary:
            rows = json.loads(
                run(
                    [
                        str(BUILD / "bench_publish"),
                        f"--benchmark_filter=publish/{connections}/",
                        "--benchmark_format=json",
                    ],
                    NP2P_STRACE=summary.name,
                )
            )["benchmarks"]
            events = 50 * connections * int(rows[0]["iterations"])
            text = Path(summary.name).read_text()
        calls = sum(
            int(found) for found in re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+).*f(?:data)?sync$", text, re.M)
        )
        print(
            f"publish: {calls / events:.2f} fdatasync per publish with {connections} connections (target 1.05)",
            flush=True,
        )


def simnet_memory() -> None:
    """The simulator's own bytes per host: 70 % behind NAT, links to 20 peers."""
    rows = google("message", "message/1000", 0.1)
    print(
        f"memory: {float(rows[0]['bytes_per_host']):.0f} bytes of simnet per host with 20 links (target 1024)",
        flush=True,
    )


def idle_server(seconds: float = 90) -> None:
    """What a server costs that has nothing to do: CPU and resident memory."""
    server = BUILD / "nostrp2p"
    key = re.search(r"npub1\w+", run([str(server), "genkey"]))
    assert key, "genkey prints no npub"
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        command = [str(server), "server", "-l", "127.0.0.1:29320", "-p", key.group(0), "--data-dir", directory]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                time.sleep(2)
                status = Path(f"/proc/{process.pid}")

                def cpu() -> float:
                    fields = (status / "stat").read_text().rpartition(")")[2].split()
                    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

                before = cpu()
                time.sleep(seconds)
                used = cpu() - before
                memory = re.search(r"VmRSS:\s+(\d+)", (status / "status").read_text())
                assert memory
                print(
                    f"idle: {100 * used / seconds:.3f} % CPU over {seconds:.0f} s (target 0.05), "
                    f"{int(memory.group(1)) / 1024:.1f} MB resident (target 12)",
                    flush=True,
                )
            finally:
                process.terminate()


class RunningServer:
    """The program on a data directory that is there; `seconds` is what its start took."""

    def __init__(self, directory: str, config: str) -> None:
        begin = time.monotonic()
        command = [
            str(BUILD / "nostrp2p"),
            "server",
            "-l",
            "127.0.0.1:29330",
            "--data-dir",
            directory,
            "--config",
            config,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("api: "):
                break
        self.seconds = time.monotonic() - begin
        self.connection = http.client.HTTPConnection("127.0.0.1", 29331)

    def ask(self, question: str) -> int:
        self.connection.request("POST", "/req", question, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: {question[:80]} is answered with {answer.status} {body[:200]!r}")
        return len(body)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        memory = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert memory
        return int(memory.group(1)) / 1024

    def rate(self, questions: list[str], count: int) -> float:
        """Answers per second of the server's own processor time, its share of the kernel included."""
        before = self.cpu()
        for i in range(count):
            self.ask(questions[i % len(questions)])
        return count / (self.cpu() - before)

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def web_socket_server() -> None:
    """Publishing over WebSockets: wall time, and how many publishes share an fdatasync."""
    for connections, window, target in ((1, 1, 0), (8, 1, 0), (8, 64, 5000)):
        rows = [google("web_socket", f"^web_socket/{connections}/{window}/")[0] for _ in range(ROUNDS)]
        best = max(rows, key=rate)
        print(
            f"web_socket: {connections} x {window} in flight: {rate(best):.0f} durable OK/s"
            + (f" (target {target})" if target else "")
            + f", {float(best['syncs']):.3f} fdatasync each, {float(best['server']):.0f} + {float(best['server_kernel']):.0f}"
            f" us of processor time in the server and its part of the kernel",
            flush=True,
        )


def script(name: str) -> None:
    """One of tests/client, with its libraries."""
    folder = ROOT / "tests" / "client"
    if shutil.which("node") is None:
        print(f"{name}: not measured: there is no Node.js")
        return
    if not (folder / "node_modules" / "ws").exists():
        run(["npm", "ci", "--prefix", str(folder), "--no-audit", "--no-fund", "--prefer-offline"])
    subprocess.run(["node", SCRIPTS[name]], cwd=folder, check=True)


def personal_server() -> None:
    """A server with 20,000 and with 100,000 events: its start, its memory, and what it answers over REST."""
    source = BUILD / "bench_import.jsonl"
    if not source.exists():
        google("import", "import/1/")
    lines = source.read_text().splitlines(keepends=True)
    authors = sorted({json.loads(line)["pubkey"] for line in lines[:5000]})
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        config = f"{directory}/config.toml"
        Path(config).write_text(f'public-key = "{authors[0]}"\n[retention]\nevents = 200000\nstrangers-percent = 100\n')
        for count in (20_000, 100_000):
            data = f"{directory}/{count}"
            Path(f"{directory}/events.jsonl").write_text("".join(lines[:count]))
            begin = time.monotonic()
            run(
                [str(BUILD / "nostrp2p"), "import", f"{directory}/events.jsonl", "--data-dir", data, "--config", config]
            )
            took = time.monotonic() - begin
            starts = []
            for _ in range(3):
                server = RunningServer(data, config)
                starts.append(server.seconds)
                if len(starts) < 3:
                    server.stop()
            print(
                f"personal: {count} events: import {took:.2f} s (target 6 s for 100000), start {min(starts):.3f} s (0.1)"
            )
            if count == 20_000:
                recent = server.rate(['{"kinds":[40000],"since":1,"limit":100}'], 3000)
                print(f"personal: last 100 of {count}, /req kind 40000: {recent:.0f} per core and second (target 2675)")
            else:
                feeds = [
                    json.dumps(
                        {"authors": authors[i:] + authors[:i], "kinds": [1], "limit": 50, "until": 1700000000 + i * 900}
                    )
                    for i in range(100)
                ]
                feed = server.rate(feeds, 3000)
                server.ask('{"kinds":[1],"limit":5000,"since":1}')
                print(
                    f"personal: home feed, {len(authors)} authors, limit 50: {feed:.0f} per core and second (target 1500)"
                )
                print(f"personal: {server.resident_mb():.1f} MB resident with {count} events (target 64)", flush=True)
            server.stop()


def print_others(names: list[str]) -> None:
    chosen = [p for p in PROGRAMS if p not in PAIRED_PROGRAMS and (not names or any(name in p for name in names))]
    for program in chosen:
        print(f"\n{program}")
        for row in google(program, ".", 0.1):
            counters = {
                key: value
                for key, value in row.items()
                if isinstance(value, (int, float))
                and key not in ("real_time", "cpu_time", "iterations", "threads", "items_per_second", "repetitions")
                and not key.endswith("_index")
            }
            extra = "  ".join(f"{key} {value:.4g}" for key, value in counters.items())
            name = re.sub(r"(/iterations:\d+|/manual_time)", "", str(row["name"]))
            print(f"  {name:44} {human(rate(row)):>12}  {extra}".rstrip(), flush=True)


def check(names: list[str]) -> None:
    """Names that nothing has are refused before anything is built or measured."""
    others = ["idle", "personal", *SCRIPTS]
    known = [pair.name for pair in PAIRS] + PROGRAMS + others
    for name in names:
        if not any(name in one for one in known):
            words = sorted({pair.name.split(":")[0] for pair in PAIRS}.union(PROGRAMS, others))
            print(f"bench: nothing is called '{name}'; there are: {', '.join(words)}", file=sys.stderr)
            raise SystemExit(2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures, and prints ratios to the yardsticks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only what has this in its name")
    parser.add_argument("--nodes", type=int, help="of the network in which the overlay is measured (default 1000)")
    parser.add_argument("--check", action="store_true", help="only say whether there is something of these names")
    arguments = parser.parse_args()
    names: list[str] = arguments.names
    check(names)
    if arguments.nodes is not None:
        if not 50 <= arguments.nodes <= 1_000_000:
            parser.error(f"--nodes must be from 50 to 1000000, not {arguments.nodes}")
        os.environ["NP2P_BENCH_NODES"] = str(arguments.nodes)
    if arguments.check:
        return
    reached = print_ratios(names)
    if not names or "message" in names:
        simnet_memory()
    if not names or "publish" in names:
        fsyncs_per_publish()
    if not names or "idle" in names:
        idle_server()
    if not names or "personal" in names:
        personal_server()
    if not names or "web_socket" in names:
        web_socket_server()
    for name in SCRIPTS:
        if not names or name in names:
            script(name)
    print_others(names)
    if not reached:
        print("\nA ratio is below its target.")


if __name__ == "__main__":
    main()
