"""nostrp2p-sim as its users start it: what it does without options, and what it says when something is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent.parent / "build" / "release" / "nostrp2p-sim"
SMALL = ("--nodes=2", "--posts=1", "--seconds=1")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True, timeout=300)


def test_every_world_runs_without_options() -> None:
    for world in ("mesh", "symmetric", "eventful"):
        done = run(world)
        assert done.returncode == 0 and "digest" in done.stdout, (world, done.stderr)
    assert "followers only" in done.stdout, "why not everything arrives in the eventful one"
    assert run("eventful", "--nodes=9").returncode == 2, "too small, if somebody asks for it"


def test_a_trace_that_cannot_be_written_is_no_success(tmp_path: Path) -> None:
    full = run(*SMALL, "--trace=/dev/full")
    assert full.returncode == 1 and "/dev/full" in full.stderr
    written = tmp_path / "trace"
    assert run(*SMALL, f"--trace={written}").returncode == 0 and written.stat().st_size > 0
    with open("/dev/full", "w") as nowhere:
        assert subprocess.run([str(PROGRAM), *SMALL], stdout=nowhere, stderr=subprocess.DEVNULL).returncode == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--nonsense",), 'nothing is known of "--nonsense"'),
        (("--nodes",), "--nodes needs a value"),
        (("--nodes=x",), "--nodes"),
        (("ring",), "world"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and words in done.stderr, done.stderr
