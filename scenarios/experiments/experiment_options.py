"""What the command lines of the experiments have in common."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A mistake is one sentence, without the usage before it; and an option has to be written out."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def add_running(parser: Parser, name: str) -> None:
    """How it runs, and where its results go; finished points are kept in a folder of the experiment's name."""
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="default 2")
    parser.add_argument("--fresh", action="store_true", help=f"measure again what is kept in out/{name}/")
    parser.add_argument("--out", type=Path, default=Path("out"), help="directory for the results, default out")


def command_of(name: str, argv: list[str] | None) -> str:
    """What was typed."""
    return f"./dev experiment {name} {' '.join(sys.argv[1:] if argv is None else argv)}".strip()


def check_processes(parser: Parser, chosen: argparse.Namespace) -> None:
    if chosen.processes < 1:
        parser.error(f"--processes must be at least 1, not {chosen.processes}")


def check_seeds(parser: Parser, chosen: argparse.Namespace) -> None:
    if not 1 <= chosen.seeds <= 100:
        parser.error(f"--seeds must be 1 to 100, not {chosen.seeds}")
    if not 0 <= chosen.seed < 2**32:
        parser.error(f"--seed must be 0 to 2**32 - 1, not {chosen.seed}")


def check_out(parser: Parser, chosen: argparse.Namespace, name: str) -> None:
    """Makes the directories, and sees that one can write there."""
    try:
        (chosen.out / name).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen.out):
            pass
    except OSError as problem:
        parser.error(f"--out: cannot write into {chosen.out}: {problem.strerror}")


def numbers(parser: Parser, name: str, text: str, least: int, most: int) -> list[int]:
    """Of an option like --nodes=64,1000; sorted, each once."""
    try:
        found = sorted({int(word) for word in text.split(",")})
    except ValueError:
        parser.error(f"{name} must be numbers like 64,1000, not {text!r}")
    for one in found:
        if not least <= one <= most:
            parser.error(f"{name} must each be {least} to {most}, not {one}")
    return found
