"""What the scale experiment does with one network: lets it grow, listens, talks, routes, and takes servers away."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Sequence

import numpy as np

import np2p
from np2p import Fault, nat

DOORS = 16  # public servers that are there first; everybody is told three of them
KNOWN_DOORS = 3
POST = 800  # bytes of a post as the overlay carries it, in the measurement of bytes
RATE = 10.0  # posts per second in the whole network, there
ENVELOPE = 273  # of these 800 bytes: id, author, signature, time, the names of the fields, the length of the frame
OVERHEAD = 22 + 52  # of a message that fits into one segment: TLS record, TCP and IP
ACKNOWLEDGEMENT = 52
AFTER_BOOTSTRAP = 120.0  # seconds until the crash
CRASHES = (50, 80, 90, 95)
PARTS = ("idle", "broadcast", "load", "route", "churn", "crash")
MESH_PARTS = ("idle", "broadcast")

Numbers = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """One network of the experiment."""

    overlay: str
    nodes: int
    nated: float  # share of the servers behind NAT
    seed: int
    mode: str = field(default="broadcast", repr=False)  # what is drawn by lot is the same in every mode


@dataclass(frozen=True)
class Plan:
    """How much is measured, in simulated seconds and in posts."""

    settle: float = 300.0
    idle: float = 300.0
    posts: int = 40
    load: float = 20.0
    churn: float = 120.0
    pairs: int = 60
    after_crash: int = 20

    @staticmethod
    def short() -> Plan:
        return Plan(idle=200.0, posts=20, load=10.0, churn=60.0, pairs=30, after_crash=10)


class Village:
    """A network that has grown, and what that took."""

    def __init__(self, setting: Setting, report: Callable[[float, str], None]) -> None:
        self.setting = setting
        self.rng = random.Random(f"scale {setting}")
        self.report = report
        began = time.process_time()
        self.net = np2p.Simulation(seed=setting.seed, overlay=setting.overlay)
        n = setting.nodes
        self._grow(nat_boxes(n, setting.nated, setting.seed), min(max(30.0, n / 100), 300.0))
        last = self.net.now
        self.joined = True
        try:
            # Beyond 65 servers the mesh never gets complete: that is what is shown of it.
            self.net.bootstrap(within=600.0 if setting.overlay == "hyparview" else 120.0)
        except np2p.NotConverged as problem:
            self.joined = False
            self.why = str(problem)
        self.bootstrap_s = self.net.now - last
        self.cpu_s = time.process_time() - began
        self.nated = np.array([node.nat is not None for node in self.net.nodes])

    def _grow(self, boxes: Sequence[nat.Nat | None], window: float) -> None:
        doors: list[np2p.Node] = []
        for i, box in enumerate(boxes):
            told = self.rng.sample(doors, min(KNOWN_DOORS, len(doors)))
            node = self.net.add_node(nat=box, mode=self.setting.mode, bootstrap=told, replies="tagged")
            if len(doors) < DOORS and box is None and i < DOORS:
                doors.append(node)
            self.net.run_for(window / len(boxes))
            if i % 64 == 0:
                self.report(0.5 * i / len(boxes), "servers come")

    def numbers_of_bootstrap(self) -> Numbers:
        inside = [self.net.standing(node) for node in self.net.nodes]
        reached = sum(s.reaches >= len(inside) - 1 for s in inside)
        found: Numbers = {
            "time_s": self.bootstrap_s,
            "cpu_s": self.cpu_s,
            "joined": float(self.joined),
            "links_max": float(max(s.links for s in inside)),
            "links_mean": float(np.mean([s.links for s in inside])),
        }
        if self.setting.overlay == "mesh":
            found["reach_everybody"] = reached / len(inside)
        return found

    # --- tools --------------------------------------------------------------------------------------------------------

    def online(self) -> list[np2p.Node]:
        return [node for node in self.net.nodes if node.online]

    def post_all(self, authors: Sequence[np2p.Node], pause: float, text: str = "") -> list[np2p.Note]:
        """One post of each author, `pause` seconds apart."""
        notes = []
        for i, author in enumerate(authors):
            notes.append(author.post(f"{text or 'hello'} {self.rng.randrange(10**9):09d}"))
            self.net.run_for(pause)
        return notes


def nat_boxes(n: int, nated: float, seed: int) -> list[nat.Nat | None]:
    """The doors first, then the others in an order drawn from the seed; `nated` is the share among all."""
    boxed = round(n * nated)
    doors = min(DOORS, max(1, n - boxed))
    rest = n - doors
    first: list[nat.Nat | None] = [None] * doors
    return first + nat.population(rest, nated=min(1.0, boxed / max(1, rest)), seed=seed, first_public=False)


def spent(before: Any, after: Any, column: str) -> Any:
    return after[column] - before[column]


def reached(net: np2p.Simulation, notes: Sequence[np2p.Note], among: set[int] | None = None) -> tuple[int, int, Any]:
    """How many (post, server) pairs were delivered, how many were due, and the rows of the former."""
    got = due = 0
    tables = []
    for note in notes:
        wanted = net.audience(note).due()
        if among is not None:
            wanted &= among
        rows = net.deliveries(note)
        rows = rows[np.isin(rows["node"], np.fromiter(wanted, dtype=np.int64, count=len(wanted)))]
        got += len(rows)
        due += len(wanted)
        tables.append(rows)
    return got, due, tables


# --- the parts --------------------------------------------------------------------------------------------------------


def idle(village: Village, plan: Plan) -> Numbers:
    """What servers send while nobody says anything, wire bytes."""
    net = village.net
    net.run_for(plan.settle)
    village.report(0.6, "silence")
    before = net.traffic()
    net.run_for(plan.idle)
    rates = spent(before, net.traffic(), "bytes_out") / plan.idle
    found: Numbers = {"mean_B_s": float(rates.mean())}
    if village.nated.any():
        found["nated_B_s"] = float(rates[village.nated].mean())
        found["nated_p99_B_s"] = float(np.percentile(rates[village.nated], 99))
    if not village.nated.all():
        found["reachable_B_s"] = float(rates[~village.nated].mean())
        found["reachable_p99_B_s"] = float(np.percentile(rates[~village.nated], 99))
    return found


def broadcast(village: Village, plan: Plan) -> Numbers:
    """Authors never heard of, then one author, then those of before once more; redundancy, hops and delay."""
    net = village.net
    found: Numbers = {}
    authors = village.rng.sample(net.nodes, min(plan.posts + 1, len(net.nodes)))
    first, strangers = authors[0], authors[1:]
    pause = 1.0
    delivered = due_at_all = 0
    for name, who in (("unseen", strangers), ("one", [first] * plan.posts), ("many", strangers)):
        before, events, began = net.traffic(), net.events, time.process_time()
        if name == "one":
            first.post("the first of many")  # this one is an author never heard of, and counts there only
            net.run_for(pause * 3)
            before, events, began = net.traffic(), net.events, time.process_time()
        notes = village.post_all(who, pause)
        net.run_for(10.0)
        cpu = time.process_time() - began
        duplicates = float(spent(before, net.traffic(), "duplicate_in_msgs").sum())
        got, due, tables = reached(net, notes)
        delivered += got
        due_at_all += due
        found[f"rmr_{name}"] = duplicates / max(1, got)
        if name == "unseen" and got:
            rows = np.concatenate(tables)
            stretch = rows["latency_s"] / rows["direct_latency_s"]
            found["stretch_mean"] = float(stretch.mean())
            found["stretch_p50"] = float(np.percentile(stretch, 50))
            found["stretch_p99"] = float(np.percentile(stretch, 99))
            found["hops_mean"] = float(rows["hops"].mean())
            found["hops_last_mean"] = float(np.mean([table["hops"].max() for table in tables if len(table)]))
            found["hops_last"] = float(rows["hops"].max())
            found["latency_p50_ms"] = 1000 * float(np.percentile(rows["latency_s"], 50))
            found["last_ms"] = 1000 * float(np.mean([table["latency_s"].max() for table in tables if len(table)]))
        if name == "many":
            found["cpu_ms_per_post"] = 1000 * cpu / len(notes)
            found["events_per_cpu_s"] = (net.events - events) / max(1e-9, cpu)
        village.report(0.7, f"posts: {name}")
    found["delivery"] = delivered / max(1, due_at_all)
    rows = net.memory_by_node()
    for part in ("total", "simnet", "store", "overlay", "feed"):
        found[f"memory_{part}_B"] = float(rows[part].mean())
    return found


def load(village: Village, plan: Plan) -> Numbers:
    """Ten posts a second of 800 bytes from anybody: everything that is sent, over 800 bytes for each delivery."""
    net = village.net
    before = net.traffic()
    count = int(plan.load * RATE)
    filler = "x" * (POST - ENVELOPE - 10)
    notes = village.post_all([village.rng.choice(net.nodes) for _ in range(count)], 1 / RATE, filler)
    # The last posts are under way for a moment; silence is not counted beyond it.
    net.run_for(2.0)
    after = net.traffic()
    got, due, _ = reached(net, notes)
    ideal = POST * got
    wire = float(spent(before, after, "bytes_out").sum())
    application = (
        wire
        - OVERHEAD * float(spent(before, after, "bytes_out_msgs").sum())
        - ACKNOWLEDGEMENT * float(spent(before, after, "bytes_in_msgs").sum())
    )
    payload = float(spent(before, after, "payload_out").sum()) / float(spent(before, after, "payload_out_msgs").sum())
    return {
        "delivery": got / max(1, due),
        "wire_over_ideal": wire / ideal,
        "application_over_ideal": application / ideal,
        "payload_B": payload - OVERHEAD,
        "control_over_wire": float(spent(before, after, "control_out").sum()) / wire,
        "rmr": float(spent(before, after, "duplicate_in_msgs").sum()) / max(1, got),
    }


def route(village: Village, plan: Plan) -> Numbers:
    """Mentions of users never spoken to: until the first arrives (the lookup is in it), and the hops of a second."""
    net, found = village.net, {}
    reachable = [node for node in net.nodes if node.nat is None]
    kinds = {"reachable": reachable, "any": list(net.nodes)}
    for name, crowd in kinds.items():
        chosen = village.rng.sample(crowd, min(2 * plan.pairs, len(crowd) // 2 * 2))
        pairs = list(zip(chosen[::2], chosen[1::2]))
        times: list[float] = []
        hops: list[float] = []
        lost = 0
        first = [(a.post("do you know me?", mentions=[b]), b) for a, b in pairs]
        net.run_for(20.0)
        second = [(a.post("now you do", mentions=[b]), b) for a, b in pairs]
        net.run_for(20.0)
        for notes, into, column in ((first, times, "latency_s"), (second, hops, "hops")):
            for note, reader in notes:
                rows = net.deliveries(note)
                rows = rows[rows["node"] == reader.index]
                lost += not len(rows)
                into += [float(value) for value in rows[column]]
        found[f"{name}_found"] = 1 - lost / (2 * len(pairs))
        if times:
            found[f"{name}_p50_ms"] = 1000 * float(np.percentile(times, 50))
            found[f"{name}_p99_ms"] = 1000 * float(np.percentile(times, 99))
        if hops:
            found[f"{name}_hops"] = float(np.mean(hops))
    return found


def churn(village: Village, plan: Plan) -> Numbers:
    """One per cent a minute crash and come back a minute later; due is to whoever is online then and at the end."""
    net = village.net
    net.apply(Fault.churn(net.nodes, half_life=60.0 * np.log(2) / 0.01, downtime=60.0))
    net.run_for(60.0)
    before, notes = net.traffic(), []
    for _ in range(int(plan.churn / 2)):
        notes += village.post_all([village.rng.choice(village.online())], 2.0)
    net.run_for(10.0)
    duplicates = float(spent(before, net.traffic(), "duplicate_in_msgs").sum())
    got, due, _ = reached(net, notes, {node.index for node in village.online()})
    net.heal()
    return {"delivery": got / max(1, due), "rmr": duplicates / max(1, got)}


def crash(village: Village, plan: Plan, percent: int) -> Numbers:
    """So many servers, drawn at random, end at the same moment; 30 s later survivors post."""
    net = village.net
    net.run_for(AFTER_BOOTSTRAP)
    for node in village.rng.sample(net.nodes, len(net.nodes) * percent // 100):
        node.crash()
    net.run_for(30.0)
    survivors = village.online()
    village.report(0.8, f"{len(survivors)} survivors")
    notes = village.post_all([village.rng.choice(survivors) for _ in range(plan.after_crash)], 0.5)
    net.run_for(30.0)
    ratios = []
    for note in notes:
        got, due, _ = reached(net, [note])
        ratios.append(got / max(1, due))
    return {f"delivery_{percent}": float(np.mean(ratios)), f"delivery_{percent}_worst": min(ratios)}


BY_NAME: dict[str, Callable[[Village, Plan], Numbers]] = {
    "idle": idle,
    "broadcast": broadcast,
    "load": load,
    "route": route,
    "churn": churn,
}
