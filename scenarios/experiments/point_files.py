"""What keeps a measured point: one small JSON file whose name has every parameter, the version of the measurement and a
fingerprint of the program that was measured. What has been measured once is not measured again; nothing stale is shown."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, Iterable, Sequence, TypeVar

import np2p

P = TypeVar("P")


@functools.cache
def fingerprint(*drivers: str) -> str:
    """Of the compiled simulator and of the files here that drive it: points of another program are not mixed with those
    of this one."""
    digest = hashlib.sha256()
    here = Path(__file__).resolve().parent
    compiled = sorted(Path(np2p.__file__).resolve().parent.glob("_np2p*.so"))
    for path in [*compiled, *(here / name for name in drivers)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def name_of(*parameters: Any) -> str:
    """Twelve digits in which no two sets of parameters agree."""
    return hashlib.sha256(json.dumps(parameters).encode()).hexdigest()[:12]


def keep(point: Any, path: Path) -> None:
    """A dataclass. Written beside and moved into place: a file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    beside.write_text(json.dumps(asdict(point), indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def kept(kind: type[P], path: Path) -> P | None:
    """The point as it was measured before; None if it was not, or if its file cannot be read as one."""
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As CSV, with a header."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
