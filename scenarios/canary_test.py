"""The alarm works: a scenario that must fail does fail, says why, and its replay line gives the same run again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOOMED = "scenarios/canary/doomed_scenario.py"


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
    )


def test_a_doomed_scenario_fails_and_replays() -> None:
    first = run_pytest(DOOMED, "--net=sim", "--seed=11")
    assert first.returncode == 1, first.stdout + first.stderr
    why, replay, trace = first.stdout.strip().splitlines()[-3:]
    assert why.startswith("why: ") and "a dead server got a post" in why
    found = re.fullmatch(r"replay: pytest (\S+) --net=sim --seed=(\d+) \(digest ([0-9a-f]{16})\)", replay)
    assert found is not None, replay
    path = Path(trace.removeprefix("trace: "))
    assert path.is_file() and path.stat().st_size > 0

    again = run_pytest(found[1], "--net=sim", f"--seed={found[2]}")
    assert again.returncode == 1
    assert again.stdout.strip().splitlines()[-3:-1] == [why, replay], "the same seed gives the same run"
    path.unlink()


def test_a_seed_of_its_own_is_a_run_of_its_own() -> None:
    digests = {
        re.findall(r"digest ([0-9a-f]{16})", run_pytest(DOOMED, "--net=sim", f"--seed={seed}").stdout)[-1]
        for seed in (1, 2)
    }
    assert len(digests) == 2
