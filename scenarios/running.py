"""Starts an experiment as ./dev does, for the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

EXPERIMENTS = Path(__file__).resolve().parent / "experiments"
MODULE = EXPERIMENTS.parents[1] / "build" / "release" / "python"


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(name: str, out: Path, *arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, [str(MODULE), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, str(EXPERIMENTS / f"{name}.py"), f"--out={out}", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs tests in the background has them ignore Ctrl-C, and children inherit that.
        preexec_fn=heed_interrupts,
        start_new_session=True,  # as at a terminal: Ctrl-C is for the whole group, and only for this one
    )


def run(name: str, out: Path, *arguments: str) -> str:
    """What it printed; it must have gone well."""
    process = start(name, out, *arguments)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def refused(name: str, out: Path, *arguments: str) -> str:
    """The one sentence with which a mistake is refused."""
    process = start(name, out, *arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and output.count("\n") == 1, output
    return output
