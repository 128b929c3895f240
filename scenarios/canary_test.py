"""The alarm works: a scenario that must fail does fail, says why, and its replay line gives the same run again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOOMED = "scenarios/canary/doomed_scenario.py"


def run_pytest(traces: Path, *arguments: str, cwd: Path = HERE.parent) -> subprocess.CompletedProcess[str]:
    built = HERE.parent / "build" / "release" / "python"
    path = os.pathsep.join(filter(None, [str(built), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "NP2P_TRACES": str(traces)}
    environment.pop("NP2P_DEV", None)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_a_doomed_scenario_fails_and_replays(tmp_path: Path) -> None:
    first = run_pytest(tmp_path, DOOMED, "--net=sim", "--seed=11")
    assert first.returncode == 1, first.stdout + first.stderr
    why, replay, digest, trace = first.stdout.strip().splitlines()[-4:]
    assert why.startswith("why: ") and "a dead server got a post" in why
    found = re.fullmatch(r"\./dev pytest (\S+) --net=sim --seed=(\d+)", replay)
    assert found is not None, replay
    assert first.stdout.count(replay) == 1, "said once"
    assert re.fullmatch(r"digest: [0-9a-f]{16}", digest), digest
    path = Path(trace.removeprefix("trace: "))
    assert path.parent == tmp_path and path.stat().st_size > 0

    again = run_pytest(tmp_path, found[1], "--net=sim", f"--seed={found[2]}")
    assert again.returncode == 1
    assert again.stdout.strip().splitlines()[-4:-1] == [why, replay, digest], "the same seed gives the same run"


def test_a_seed_of_its_own_is_a_run_of_its_own(tmp_path: Path) -> None:
    digests = {
        re.findall(r"digest: ([0-9a-f]{16})", run_pytest(tmp_path, DOOMED, "--net=sim", f"--seed={seed}").stdout)[-1]
        for seed in (1, 2)
    }
    assert len(digests) == 2


STORY = """
import np2p


def test_one_server_knows_its_own_post(net: np2p.Network) -> None:
    (alice,) = net.add_nodes(1, nat="none")
    assert alice.has(alice.post("to myself"))
"""


def test_a_scenario_may_lie_anywhere(tmp_path: Path) -> None:
    (tmp_path / "story_test.py").write_text(STORY)
    plugin = ("-p", "np2p.pytest_plugin", "story_test.py")
    done = run_pytest(tmp_path / "traces", *plugin, "--net=sim", cwd=tmp_path)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    assert list((tmp_path / "traces").iterdir()) == [], "a passed scenario leaves no trace"


def test_a_scenario_for_one_world_says_why_it_does_not_run_in_the_other(tmp_path: Path) -> None:
    (tmp_path / "story_test.py").write_text(STORY)
    done = run_pytest(tmp_path, "-p", "np2p.pytest_plugin", "story_test.py", "--net=real", cwd=tmp_path)
    assert "1 scenario is not marked `both`" in done.stdout, done.stdout + done.stderr
