#!/usr/bin/python3
"""NIP-01 filters decided by Python: writes tests/vectors/python/filter_cases.json, or with --check compares it.

A small world of events in which every value is likely to occur in a filter, and for each of many random filters the
events that it selects, in the order in which a relay answers (newest first, of one second the lowest id first).
"""

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "vectors" / "python" / "filter_cases.json"
AUTHORS = [hashlib.sha256(b"author %d" % i).hexdigest() for i in range(5)]
KINDS = [0, 1, 3, 7, 30000]
VALUES = ["", "a", "b", "\u5c71", AUTHORS[0]]
LETTERS = "eptTd"


def make_event(rng: random.Random) -> dict[str, Any]:
    event: dict[str, Any] = {
        "pubkey": rng.choice(AUTHORS),
        "created_at": rng.randrange(100, 120),
        "kind": rng.choice(KINDS),
        "tags": [
            [rng.choice([*LETTERS, "ee", ""]), *rng.choices(VALUES, k=rng.randrange(3))]
            for _ in range(rng.randrange(4))
        ],
        "content": f"event {rng.randrange(1 << 32)}",
    }
    canonical = [0] + [event[name] for name in ("pubkey", "created_at", "kind", "tags", "content")]
    text = json.dumps(canonical, separators=(",", ":"), ensure_ascii=False)
    return {"id": hashlib.sha256(text.encode()).hexdigest(), **event, "sig": "00" * 64}


def make_filter(rng: random.Random, events: list[dict[str, Any]]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if rng.random() < 0.15:
        wanted["ids"] = [e["id"] for e in rng.sample(events, rng.randrange(6))]
    if rng.random() < 0.4:
        wanted["authors"] = rng.sample(AUTHORS, rng.randrange(4))
    if rng.random() < 0.4:
        wanted["kinds"] = rng.sample(KINDS + [40000, 70000], rng.randrange(4))
    if rng.random() < 0.3:
        wanted["since"] = rng.randrange(95, 125)
    if rng.random() < 0.3:
        wanted["until"] = rng.randrange(95, 125)
    if rng.random() < 0.3:
        wanted["limit"] = rng.randrange(0, 20)
    for letter in LETTERS:
        if rng.random() < 0.12:
            wanted["#" + letter] = rng.sample(VALUES, rng.randrange(1, 4))
    return wanted


def selects(wanted: dict[str, Any], event: dict[str, Any]) -> bool:
    for name, value in wanted.items():
        if name == "ids":
            passes = event["id"] in value
        elif name == "authors":
            passes = event["pubkey"] in value
        elif name == "kinds":
            passes = event["kind"] in value
        elif name == "since":
            passes = event["created_at"] >= value
        elif name == "until":
            passes = event["created_at"] <= value
        elif name[0] == "#":
            passes = any(tag[0] == name[1] and tag[1] in value for tag in event["tags"] if len(tag) > 1)
        else:
            passes = True
        if not passes:
            return False
    return True


def answer(wanted: dict[str, Any], events: list[dict[str, Any]]) -> list[int]:
    found = [i for i, event in enumerate(events) if selects(wanted, event)]
    found.sort(key=lambda i: (-events[i]["created_at"], events[i]["id"]))
    return found[: wanted["limit"]] if "limit" in wanted else found


def text() -> str:
    rng = random.Random(7)
    events = [make_event(rng) for _ in range(80)]
    cases = []
    for _ in range(400):
        wanted = make_filter(rng, events)
        cases.append({"filter": wanted, "answer": answer(wanted, events)})
    parts = [
        '{"events":[\n',
        ",\n".join(map(json.dumps, events)),
        '\n],"cases":[\n',
        ",\n".join(map(json.dumps, cases)),
    ]
    return "".join(parts) + "\n]}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if FILE.read_text() == text() else f"{FILE} is not what this script makes")
    FILE.write_text(text())
