#!/usr/bin/python3
"""Event ids by hashlib and json: writes tests/vectors/python/event_ids.jsonl, or with --check compares it.

One event a line, as JSON with everything but ASCII escaped; `id` is the SHA-256 of NIP-01's canonical bytes as Python's
json module writes them, `text_sha256` that of the event's own JSON with the field order and escapes that event_json
promises. The signatures are random bytes: ids are all that is tested here.
"""

import hashlib
import json
import random
import sys
from pathlib import Path

FILE = Path(__file__).parent.parent / "vectors" / "python" / "event_ids.jsonl"

# Whatever an escaper could get wrong: all of ASCII, the first and last code points of each UTF-8 length, the line
# separators that JavaScript once could not hold, non-characters, combining marks, right-to-left text, emoji.
SPECIAL = [chr(c) for c in range(0x80)] + list("\u0080\u07ff\u0800\u2028\u2029\ud7ff\ue000\ufeff\ufffd\ufffe\uffff")
SPECIAL += [
    "\U00010000",
    "\U0010ffff",
    "e\u0301",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u5c71\u7530",
    "\U0001f98a",
    "</script>",
]
WORDS = "the quick brown fox jumps over a lazy dog and posts nothing but the truth about nostr".split()


def text(rng: random.Random, size: int) -> str:
    mode = rng.randrange(3)
    if mode == 0:
        return " ".join(rng.choice(WORDS) for _ in range(size))
    if mode == 1:
        return "".join(rng.choice(SPECIAL) for _ in range(size))
    return "".join(rng.choice(SPECIAL) if rng.random() < 0.1 else rng.choice(WORDS) for _ in range(size))


def tags(rng: random.Random) -> list[list[str]]:
    count = rng.choice([0, 0, 1, 2, 3, 15, 16, 17])
    return [
        [rng.choice(["e", "p", "t", "d", "q", "emoji", ""])]
        + [text(rng, rng.randrange(4)) for _ in range(rng.randrange(4))]
        for _ in range(count)
    ]


def event(rng: random.Random, content: str) -> dict[str, object]:
    fields: dict[str, object] = {
        "pubkey": rng.randbytes(32).hex(),
        "created_at": rng.choice([0, 1, 1700000000, rng.randrange(2**32), 2**53]),
        "kind": rng.choice([0, 1, 3, 7, 65535, rng.randrange(65536)]),
        "tags": tags(rng),
        "content": content,
    }
    canonical = [0] + [fields[name] for name in ("pubkey", "created_at", "kind", "tags", "content")]
    whole: dict[str, object] = {"id": sha256(canonical), **fields, "sig": rng.randbytes(64).hex()}
    return {**whole, "text_sha256": sha256(whole)}


def sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def lines() -> str:
    rng = random.Random(20240501)
    contents = [chr(c) for c in range(0x80)] + SPECIAL[0x80:] + ["", "".join(SPECIAL), "".join(SPECIAL) * 40]
    contents += [text(rng, rng.choice([1, 5, 30, 100])) for _ in range(300)]
    return "".join(json.dumps(event(rng, content)) + "\n" for content in contents)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if FILE.read_text() == lines() else f"{FILE} is not what this script makes")
    FILE.write_text(lines())
