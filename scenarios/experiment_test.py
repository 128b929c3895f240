"""The headline experiment, small: its table is complete, repeatable, and kept when somebody loses patience."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent / "experiments" / "scaling.py"
MODULE = SCRIPT.parents[2] / "build" / "release" / "python"
COLUMNS = (
    "overlay,mode,nodes,nated,posts,delivery_ratio,latency_p50_ms,latency_p99_ms,payload_copies_per_delivery,"
    "bytes_per_node_per_s,control_bytes_per_node_per_s,sim_seconds,wall_seconds,events,digest,follows_mean,post_rate"
)


def heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(out: Path, *arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, [str(MODULE), os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--short", f"--out={out}", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that runs tests in the background has them ignore Ctrl-C, and children inherit that.
        preexec_fn=heed_interrupts,
        start_new_session=True,  # as at a terminal: Ctrl-C is for the whole group, and only for this one
    )


def table(out: Path) -> list[dict[str, str]]:
    lines = (out / "scaling.csv").read_text().splitlines()
    assert lines[0] == COLUMNS
    return list(csv.DictReader(lines))


def run(out: Path, *arguments: str) -> str:
    process = start(out, *arguments)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--seed=-1"], "--seed must be 0 to 2**64 - 1, not -1"),
        ([f"--seed={2**64}"], "--seed must be 0 to 2**64 - 1"),
        (["--seed=seven"], "invalid int value"),
        (["--nodes=8,100000"], "--nodes must each be 6 to 512, not 100000"),
        (["--nodes=5"], "--nodes must each be 6 to 512, not 5"),
        (["--nodes=8,"], "--nodes must be numbers"),
        (["--processes=0"], "--processes must be at least 1"),
        (["--out=/proc/x"], "--out: cannot write into /proc/x"),
        (["--out=/dev/null"], "--out: cannot write into /dev/null"),
    ],
)
def test_a_mistake_is_one_sentence_at_once(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    process = start(tmp_path, *arguments)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert sentence in output
    assert output.count("\n") == 1, output


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The experiment with all its parts, at two small sizes: its results and what it printed."""
    out = tmp_path_factory.mktemp("whole")
    return out, run(out, "--nodes=8,16", "--seed=3")


def test_the_table_is_complete_and_repeatable(whole: tuple[Path, str], tmp_path: Path) -> None:
    out, output = whole
    assert "seed 3" in output
    run(tmp_path, "--nodes=8,16", "--no-idle", "--seed=3")
    first, second = table(out), table(tmp_path)
    assert [(row["mode"], row["nodes"]) for row in first] == [
        (mode, nodes) for mode in ("broadcast", "multicast") for nodes in ("8", "16")
    ]
    assert [row["digest"] for row in first] == [row["digest"] for row in second]
    for row in first:
        numbers = [float(value) for name, value in row.items() if name not in ("overlay", "mode", "digest")]
        assert all(number == number for number in numbers), "no NaN"
        assert float(row["delivery_ratio"]) == 1.0
        assert int(row["nated"]) == pytest.approx(0.6 * int(row["nodes"]), abs=1)
        assert float(row["follows_mean"]) == pytest.approx(4.0)
        assert float(row["bytes_per_node_per_s"]) > float(row["control_bytes_per_node_per_s"]) > 0
        assert float(row["latency_p99_ms"]) > float(row["latency_p50_ms"]) > 10
    report = (out / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 5 and "src='http" not in report
    assert (tmp_path / "report.html").read_text().count("data:image/png;base64,") == 4
    assert (out / "scaling.png").stat().st_size > 10_000


# Bytes that an idle server of the original sends per second in a full mesh of so many, as measured.
ORIGINAL_IDLE = {16: (2_163, 2_163), 32: (10_548, 10_548), 64: (43_000, 64_000)}


def test_idle_cost_and_lock_out_are_those_of_the_original(whole: tuple[Path, str]) -> None:
    out, output = whole
    report = re.sub(r"\s+", " ", (out / "report.html").read_text())
    lines = re.findall(r"^ +(\d+) servers: +([\d,]+) / [\d,]+(?: to [\d,]+)?$", output, re.MULTILINE)
    measured = {int(servers): int(sent.replace(",", "")) for servers, sent in lines}
    assert set(measured) == set(ORIGINAL_IDLE), output
    for servers, (low, high) in ORIGINAL_IDLE.items():
        slack = 0.25 if low == high else 0.0
        assert low * (1 - slack) <= measured[servers] <= high * (1 + slack), output
        assert f"<td>{servers}</td><td>{servers - 1}.0</td><td>{measured[servers]:,}</td><td>{low:,}" in report
    assert "the 66th server reaches 0 of the 65 that are inside" in output
    assert "65 of them reach all 64 others" in report and "It reaches 0 of them" in report
    assert "1 of 66 reach nobody (nodes 65)" in report


def test_the_report_begins_with_the_crossover_and_shows_the_scalable_overlay_beside_the_mesh(tmp_path: Path) -> None:
    output = run(tmp_path, "--nodes=8,16", "--no-idle", "--seed=3", "--crossover=8", "--beside=64")
    report = (tmp_path / "report.html").read_text()
    assert report.count("data:image/png;base64,") in (18, 19), "nine, four, and five or six of the overlay"
    for name in ("report.html", "crossover.csv", "crossover.png", "crossover-details.png", "scaling.png", "scale.png"):
        assert (tmp_path / name).exists() and str(tmp_path / name) in output.splitlines()[
            -1
        ], "what was written is named"
    for part in ("crossover", "mesh", "overlay"):
        assert f" id='{part}'" in report, "parts have names"
    for link in re.findall(r"<a href='#([^']+)'>", report):
        assert report.count(f" id='{link}'") == 1, "links lead to one place each"
    assert "More than on the first page: here people follow 4 others" in report or "times cheaper" not in report
    headline, mesh = (
        report.index(f">{title}")
        for title in ("When does broadcast stop paying?</h1>", "How far does a mesh of personal servers go?</h1>")
    )
    assert headline < report.index("data:image/png") < mesh, "the headline comes first"
    assert (tmp_path / "crossover.csv").read_text().count("\nmulticast,epinions,8,") == 3
    assert "<h3>64 servers</h3>" in report and "idle, sent by one behind NAT" in report
    assert "Does the simulator tell the truth?" in report
    rows = list(csv.DictReader((tmp_path / "scale.csv").read_text().splitlines()))
    assert {(row["overlay"], row["nodes"]) for row in rows} == {("hyparview", "64"), ("mesh", "16")}
    refused = start(tmp_path, "--nodes=8,16", "--beside=many")
    output, _ = refused.communicate()
    assert refused.returncode == 2 and "--beside must be numbers like 64,1000, not 'many'" in output


def test_an_interrupted_run_keeps_what_is_finished(tmp_path: Path) -> None:
    process = start(tmp_path, "--nodes=8,256", "--no-idle", "--processes=1", "--shortest-first")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("finished") for line in lines) and any(line.startswith("finished") for line in lines)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output and "Exception" not in output, output
    assert [row["nodes"] for row in table(tmp_path)] == ["8", "8"]
    report = (tmp_path / "report.html").read_text()
    assert "interrupted" in report
    # One size shows no growth, and what was measured within the mesh says nothing of what is beyond it.
    assert "full mesh of 8 servers" in report
    assert not re.search(r"8 to 8|[Ff]rom 8|grew|locks people out", report)


def test_a_directory_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file" / "out", Path("/proc/nowhere")):
        process = start(out, "--nodes=256")
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 2 and output.count("\n") == 1 and str(out) in output, output
