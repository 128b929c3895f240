"""The scalable overlay in numbers, small: 200 servers with all parts, and 1,000 that talk."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent / "experiments" / "scale.py"
MODULE = SCRIPT.parents[2] / "build" / "release" / "python"

Table = dict[tuple[str, str, str, str, str], float]


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, [str(MODULE), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs tests in the background has them ignore Ctrl-C, and children inherit that.
        preexec_fn=heed_interrupts,
    )


def run(out: Path, *arguments: str) -> tuple[str, Table]:
    process = start("--short", f"--out={out}", *arguments)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output, table(out)


def table(out: Path) -> Table:
    rows = list(csv.DictReader((out / "scale.csv").read_text().splitlines()))
    assert rows and set(rows[0]) == set("overlay,nodes,nated,part,metric,value,unit,target,verdict".split(","))
    return {
        (row["overlay"], row["nodes"], row["nated"], row["part"], row["metric"]): float(row["value"]) for row in rows
    }


def assert_quiet_and_whole(found: Table, nodes: str, nated: str) -> None:
    def value(part: str, metric: str) -> float:
        return found["hyparview", nodes, nated, part, metric]

    assert value("bootstrap", "joined") == 1.0
    assert value("broadcast", "delivery") == 1.0
    for what in ("rmr_one", "rmr_many", "rmr_unseen"):
        assert value("broadcast", what) <= 0.01
    assert value("broadcast", "hops_last") <= 12
    assert 1.0 <= value("broadcast", "stretch_mean") < value("broadcast", "stretch_p99")
    assert 0 < value("idle", "reachable_B_s") <= 400
    if nated != "0":
        assert 0 < value("idle", "nated_B_s") <= 100


def test_200_servers_meet_what_is_asked_of_them(tmp_path: Path) -> None:
    output, found = run(tmp_path, "--nodes=200", "--mesh=16", "--seed=3")
    for nated in ("0.8", "0"):
        assert_quiet_and_whole(found, "200", nated)
        values = {(part, metric): x for (_, n, share, part, metric), x in found.items() if (n, share) == ("200", nated)}
        assert values["load", "delivery"] == 1.0
        assert 1.0 < values["load", "application_over_ideal"] <= 1.10
        assert values["load", "application_over_ideal"] < values["load", "wire_over_ideal"] <= 1.35
        assert values["load", "payload_B"] == pytest.approx(800, abs=2)
        assert values["route", "any_found"] == 1.0 and 1.0 <= values["route", "reachable_hops"] <= 3.0
        assert values["churn", "delivery"] >= 0.999 and values["churn", "rmr"] <= 0.10
        assert values["crash", "delivery_50"] >= 0.9999
        assert {f"delivery_{percent}" for percent in (50, 80, 90, 95)} <= {metric for _, metric in values}
    assert found["mesh", "16", "0.8", "broadcast", "delivery"] == 1.0
    assert found["mesh", "16", "0.8", "idle", "mean_B_s"] > found["hyparview", "200", "0.8", "idle", "mean_B_s"]
    assert "bytes over ideal, wire" in output and "redundancy, authors never seen" in output
    assert (tmp_path / "scale.html").read_text().count("data:image/png;base64,") >= 5
    assert (tmp_path / "scale.png").stat().st_size > 10_000


def test_1000_servers_talk_without_a_superfluous_word(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """With --nightly 10,000, and everything else that is asked of them, but for the stretch: it is above its target."""
    nightly = request.config.getoption("--nightly")
    nodes = "10000" if nightly else "1000"
    parts = "idle,broadcast,load,route,churn,crash" if nightly else "idle,broadcast"
    _, found = run(tmp_path, f"--nodes={nodes}", f"--parts={parts}", "--no-mesh", "--no-public", "--seed=3")
    assert_quiet_and_whole(found, nodes, "0.8")
    if nightly:
        values = {(part, metric): x for (_, _, _, part, metric), x in found.items()}
        assert values["load", "delivery"] == 1.0 and values["load", "wire_over_ideal"] <= 1.35
        assert values["route", "any_found"] >= 0.999 and values["route", "reachable_hops"] <= 3.0
        assert values["churn", "delivery"] >= 0.999 and values["churn", "rmr"] <= 0.10
        least = {50: 0.9999, 80: 0.9999, 90: 0.995, 95: 0.97}
        assert all(values["crash", f"delivery_{percent}"] >= share for percent, share in least.items()), values


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    runs = []
    for place in ("a", "b"):
        _, found = run(tmp_path / place, "--nodes=64", "--parts=idle,broadcast,crash", "--no-mesh", "--seed=5")
        runs.append({key: x for key, x in found.items() if "cpu" not in key[4]})
    assert runs[0] == runs[1]


def test_an_interrupted_run_keeps_what_is_finished(tmp_path: Path) -> None:
    process = start(f"--out={tmp_path}", "--nodes=64,400", "--no-mesh", "--processes=1")
    assert process.stdout is not None
    assert any(line.startswith("finished") for line in iter(process.stdout.readline, ""))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "interrupted" in output and "interrupted" in (tmp_path / "scale.html").read_text()
    assert table(tmp_path)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--nodes=many"], "--nodes must be numbers like 1000,10000, not 'many'"),
        (["--nodes=20"], "--nodes must be at least 40, not 20"),
        (
            ["--nodes=100", "--parts=idle,dance"],
            "--parts must be some of idle,broadcast,load,route,churn,crash, not 'dance'",
        ),
        (["--nodes=100", "--nated=1.5"], "--nated must be a share from 0 to 0.95, not 1.5"),
        (["--nodes=100", "--mesh=512"], "--mesh must be at most 256, not 512"),
        (["--nodes=100", "--seed=-1"], "--seed must not be negative, not -1"),
        (["--nodes=100", "--processes=0"], "--processes must be at least 1"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], sentence: str) -> None:
    process = start(*arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert sentence in output and "Traceback" not in output
