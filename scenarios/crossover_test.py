"""The crossover experiment, tiny: it runs, goes on where it was interrupted, and calculates what a hand would."""

from __future__ import annotations

import csv
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "experiments")]

import crossover_math as maths  # noqa: E402
import crossover_measure  # noqa: E402
import crossover_plots  # noqa: E402
import crossover_report  # noqa: E402
import crossover_run  # noqa: E402
from crossover_points import COLUMNS, MOST_FOLLOWED, PER_SECOND, Ask, Plan, Point  # noqa: E402
from point_files import keep, kept  # noqa: E402
from running import refused, run, start  # noqa: E402

TINY = ("--short", "--nodes=8,16", "--seeds=1", "--seed=3")


def table(out: Path) -> list[dict[str, str]]:
    lines = (out / "crossover.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    return list(csv.DictReader(lines))


# --- the whole of it --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("whole")
    return out, run("crossover", out, *TINY, "--graphs=epinions,generated")


def test_every_mode_is_measured_and_bytes_add_up(whole: tuple[Path, str]) -> None:
    out, output = whole
    rows = table(out)
    expected = {
        ("broadcast", "epinions", "8"),
        ("broadcast", "epinions", "16"),
        ("mesh", "epinions", "8"),
        ("mesh", "epinions", "16"),
        ("auto", "epinions", "16"),
    }
    expected |= {("multicast", "epinions", nodes) for nodes in ("8", "16")}
    assert {(row["mode"], row["graph"], row["nodes"]) for row in rows} == expected
    for row in rows:
        value = {name: float(cell) for name, cell in row.items() if name not in ("mode", "graph", "joined", "digest")}
        assert all(x == x for x in value.values()), "no NaN"
        kinds = sum(value[f"{kind}_B_s"] for kind in ("payload", "duplicate", "relay", "control"))
        assert kinds == pytest.approx(value["sent_B_s"], rel=1e-6)
        assert value["idle_B_s"] + value["posts_B_s"] == pytest.approx(value["sent_B_s"], rel=1e-6)
        assert value["sent_p99"] > value["sent_B_s"] > 0
        assert value["delivery_ratio"] == 1.0 and value["got"] == value["due"] > 0
        assert value["latency_p99_ms"] > value["latency_p50_ms"] > 10
        if row["mode"] in ("mesh", "broadcast", "auto"):
            everybody = value["nodes"] - 1
            # Each of them gets 800 bytes, in a frame, a record and a segment, once; some get it twice where posts are rare.
            assert value["due_per_post"] == everybody and 0.99 < value["copies"] < 1.6
            assert everybody * 800 < value["payload_post"] + value["duplicate_post"] < everybody * 900 * 1.6
        else:
            assert 1.0 < value["due_per_post"] <= MOST_FOLLOWED * (value["nodes"] - 1) * 1.5
            assert value["copies"] > 1.0, "most are behind NAT: others pass it on"
    assert "delivered" in output and "Traceback" not in output


def test_the_page_says_what_was_found_and_what_was_calculated(whole: tuple[Path, str]) -> None:
    out, output = whole
    page = re.sub(r"\s+", " ", (out / "crossover.html").read_text())
    assert page.count("data:image/png;base64,") == 9 and "src='http" not in page
    assert (
        page.index("When does broadcast stop paying?</h1>")
        < page.index("data:image/png")
        < page.index(">How it was measured</h2>")
    )
    assert "2,048 &times; 86,400 &divide; 8,000 = 22,000" in page
    assert (
        "In the mode <code>auto</code> each server goes over" in page
        and "was calculated from the two other curves" in page
    )
    assert (out / "crossover.png").stat().st_size > 10_000 and (out / "crossover-details.png").stat().st_size > 10_000
    for link in re.findall(r"<a href='#([^']+)'>", page):
        assert page.count(f" id='{link}'") == 1, "links lead to one place each"
    assert "crossover-details.png" in output.splitlines()[-1], "what was written is named"


def test_what_is_known_is_not_measured_again_and_would_be_the_same(whole: tuple[Path, str]) -> None:
    out, _ = whole
    before = table(out)
    output = run("crossover", out, *TINY, "--graphs=epinions,generated")
    assert f"{len(before)} of {len(before)} points are known from earlier runs" in output
    assert "finished" not in output and table(out) == before
    output = run("crossover", out, *TINY, "--modes=broadcast", "--nodes=8", "--fresh")
    assert "known from" not in output and output.count("finished") == 1
    known = next(row for row in before if (row["mode"], row["nodes"]) == ("broadcast", "8"))
    again = {**table(out)[0], "cpu_s": known["cpu_s"]}
    assert again == known


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ("--short", "--modes=broadcast", "--seeds=2", "--processes=1")
    process = start("crossover", tmp_path, *arguments, "--nodes=8,3000")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("finished") for line in lines) and any(line.startswith("finished") for line in lines)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)  # a hang, not a slow machine, is a fault
    assert process.returncode == 130, output
    assert "Traceback" not in output and "the same command goes on from here" in output
    assert [row["nodes"] for row in table(tmp_path)] == ["8", "8"]
    assert "interrupted" in (tmp_path / "crossover.html").read_text()
    output = run("crossover", tmp_path, *arguments, "--nodes=8,12")
    assert "2 of 4 points are known from earlier runs" in output and output.count("finished") == 2
    assert [row["nodes"] for row in table(tmp_path)] == ["8", "8", "12", "12"]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--nodes=many"], "--nodes must be numbers like 64,1000, not 'many'"),
        (["--nodes=4"], "--nodes must each be 8 to 1000000, not 4"),
        (["--max-nodes=3"], "--max-nodes must be 10 to 1000000, not 3"),
        (["--nodes=8", "--max-nodes=100"], "--nodes and --max-nodes cannot be given together"),
        (["--seeds=0"], "--seeds must be 1 to 100, not 0"),
        (["--seed=-1"], "--seed must be 0 to 2**32 - 1, not -1"),
        (["--processes=0"], "--processes must be at least 1, not 0"),
        (["--graphs=epinions,mastodon"], "--graphs must be some of epinions,nostr,generated, not 'mastodon'"),
        (["--modes="], "--modes must be some of mesh,broadcast,multicast,auto, not nothing"),
        (
            ["--modes=mesh", "--nodes=1000"],
            "--modes mesh has nothing to measure at 1000 servers: the mesh is measured up to 256",
        ),
        (["--out=/proc/x"], "--out: cannot write into /proc/x"),
        (["--speed=9"], "unrecognized arguments: --speed=9"),
        (["--mod=mesh"], "unrecognized arguments: --mod=mesh"),
    ],
)
def test_a_mistake_is_one_sentence_at_once(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in refused("crossover", tmp_path, *arguments)


# --- points that are kept ---------------------------------------------------------------------------------------------


def point(mode: str, nodes: int, post_bytes: float, *, idle: float = 0.0, seed: int = 1, due: float = 0.0) -> Point:
    """A point as if it had been measured."""
    return Point(
        mode=mode, graph="epinions", nodes=nodes, seed=seed, nated=0, follows_mean=9.8, followers_most=1, posts=1,
        due_per_post=due or nodes - 1, due=1, got=1, latency_p50_ms=1.0, latency_p99_ms=2.0, payload_post=post_bytes,
        duplicate_post=0.0, relay_post=0.0, control_post=0.0, idle_payload=0.0, idle_duplicate=0.0, idle_relay=0.0,
        idle_control=idle, sent_p99=1.0, uplink_B=800.0, uplink_copies=1.0, copies=1.0, follow_B=0.0,
        follows_registered=1.0, joined=True, cpu_s=0.0, events=0, digest="",
    )  # fmt: skip


def ask(nodes: int, seed: int = 1) -> Ask:
    return Ask("broadcast", "epinions", nodes, seed, Plan.of("broadcast", nodes, True))


def test_a_point_that_fails_does_not_lose_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(one: Ask, _report: object) -> Point:
        if one.nodes == 9:
            raise MemoryError("no room for nine")
        if one.nodes == 10:
            os._exit(9)
        return point("broadcast", one.nodes, 1000.0, seed=one.seed)

    monkeypatch.setattr(crossover_measure, "measure", measure)
    asks = [ask(8), ask(9), ask(10), ask(11)]
    results = crossover_run.run_all(asks, tmp_path, 2, fresh=False)
    assert [one.nodes for one in results.points] == [8, 11] and results.complete
    assert len(results.failures) == 2
    assert any("no room for nine" in failure for failure in results.failures)
    assert any("10 servers" in failure and "its process died (9)" in failure for failure in results.failures)


def test_what_cannot_be_read_or_was_asked_differently_is_not_known(tmp_path: Path) -> None:
    one = point("broadcast", 8, 1000.0)
    keep(one, ask(8).file(tmp_path))
    assert kept(Point, ask(8).file(tmp_path)) == one
    assert kept(Point, ask(8, seed=2).file(tmp_path)) is None
    longer = ask(8)
    assert kept(Point, replace(longer, plan=replace(longer.plan, settle=301.0)).file(tmp_path)) is None
    for spoilt in ("", "{}", '{"mode": "broadcast"}', "[]", "{"):
        ask(8).file(tmp_path).write_text(spoilt)
        assert kept(Point, ask(8).file(tmp_path)) is None


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_arithmetic_is_that_of_a_hand() -> None:
    # 2,048 B/s are 176,947,200 bytes a day; a user's ten posts of 800 bytes are 8,000.
    assert maths.budget_by_arithmetic() == pytest.approx(22_118.4)
    assert maths.crossing_by_arithmetic(10) == 11.0
    assert maths.crossing_by_arithmetic(10, ratio=2.5) == 26.0
    # One byte per second is 86,400 a day; ten posts at 800 bytes are 8,000 per delivery.
    assert maths.crossing_by_arithmetic(10, upkeep=1.0) == pytest.approx(11.0 + 10.8)
    assert maths.broadcast_bound(10_001) == pytest.approx(10_000 * 8_000 / 86_400)
    assert maths.followers_bound(27) == pytest.approx(2.5)
    assert [maths.rounded(x) for x in (9.6, 99.4, 138.0, 22_118.4)] == ["10", "99", "140", "22,000"]


def test_curves_meet_where_lines_between_points_do() -> None:
    assert maths.meeting([10, 1000], [1, 100], [10, 10]) == pytest.approx(100)
    assert maths.meeting([10, 100, 1000], [1, 10, 100], [2, 20, 20]) == pytest.approx(200)
    assert maths.meeting([10, 1000], [1, 100], [200, 200]) is None, "not yet"
    assert maths.meeting([10, 1000], [3, 100], [2, 2]) is None, "before"
    last = maths.meeting([10, 100, 1000, 10_000], [1, 3, 1, 100], [2, 2, 2, 1])
    assert last is not None and last > 1000, "from where on it stays above"
    assert maths.on_curve([10, 1000], [1, 100], 100) == pytest.approx(10)
    assert maths.on_curve([10, 1000], [1, 100], 10_000) == pytest.approx(1000)


def test_a_fit_finds_what_it_is_made_of() -> None:
    line = maths.fit_line([16, 64, 256], [14.0, 18.0, 22.0])
    assert (line.start, line.slope) == pytest.approx((6.0, 2.0))
    assert maths.fit_line([16, 256], [20.0, 10.0])(1e6) == pytest.approx(15.0), "what shrinks is chance"
    assert maths.fit_line([64], [5.0])(1e6) == pytest.approx(5.0)


def broadcast_points(seed: int = 1, per_delivery: float = 1000.0, saved: float = 0.0) -> list[Point]:
    """1,000 bytes per delivery less what is saved, in bytes per server and second, beside 48 B/s in silence."""
    sizes = (16, 64, 256, 1000)
    return [point("broadcast", n, per_delivery * (n - 1) - saved / PER_SECOND, idle=48.0, seed=seed) for n in sizes]


@pytest.mark.parametrize("saved", [0.0, 5.0])
def test_the_budget_is_exceeded_where_the_line_through_the_large_sizes_says(saved: float) -> None:
    place = maths.budget(broadcast_points(saved=saved))
    assert place is not None and not place.measured
    # 48 + 10 x 1,000 x (N - 1) / 86,400 - saved = 2,048
    assert place.nodes == pytest.approx(1 + (2000 + saved) * 8.64, rel=1e-6)
    assert place.low == pytest.approx(place.nodes) and place.high == pytest.approx(place.nodes)


def test_the_band_of_the_budget_is_that_of_the_seeds() -> None:
    place = maths.budget(broadcast_points(1, 1000.0) + broadcast_points(2, 1250.0))
    assert place is not None
    assert place.low == pytest.approx(1 + 2000 * 8.64 / 1.25, rel=1e-6) and place.high == pytest.approx(
        17_281, rel=1e-6
    )
    assert place.low < place.nodes < place.high


def test_the_crossing_is_where_a_hand_finds_it_and_leases_move_it() -> None:
    # Followers only: 10 followers at 3,990 bytes, which is what 39.9 others cost with broadcast.
    followers = [point("multicast", n, 39_900.0, due=10.0) for n in (16, 64, 256, 1000)]
    place = maths.crossing(broadcast_points(), followers, upkeep=False)
    assert place is not None and place.measured
    assert place.nodes == pytest.approx(40.9, rel=0.02), "straight lines on logarithmic axes, not on these"
    # A follow costs 3,888 bytes each 38,880 s: 9.8 of them 0.98 B/s, as much as 8.4672 deliveries in ten posts a day.
    paid = [replace(one, follow_B=3888.0) for one in followers]
    assert paid[0].upkeep_B_s == pytest.approx(0.98)
    later = maths.crossing(broadcast_points(), paid, upkeep=True)
    assert later is not None and later.nodes == pytest.approx(49.37, rel=0.02)
    assert maths.crossing(broadcast_points(), paid, upkeep=False) == place
    # Not on both sides of it: from the fits, and said to be so.
    beyond = maths.crossing(broadcast_points(), [point("multicast", n, 4e6, due=10.0) for n in (64, 256)], upkeep=False)
    assert beyond is not None and not beyond.measured and beyond.nodes == pytest.approx(4001, rel=0.01)


def test_the_headline_has_both_numbers_and_says_what_is_extrapolated() -> None:
    followers = [point("multicast", n, 39_900.0, due=10.0) for n in (16, 64, 256, 1000)]
    results = crossover_run.Results(points=broadcast_points() + followers)
    said = crossover_report.headline(results, plain=True)
    assert "from about 41 servers on, counting posts alone" in said and "follow relations, from 41." in said
    assert "until about 17,000 servers (extrapolated from up to 1,000)" in said
    # 48 + 10 x 1,000 x 999 / 86,400 = 163.6 B/s, and 10 x 39,900 / 86,400 = 4.6 without silence.
    assert "4.6 instead of 164 B/s at 1,000 servers (97 % less)" in said
    nothing = crossover_run.Results(points=[point("mesh", 16, 1.0)])
    assert crossover_report.headline(nothing, plain=True) == "Too little was measured to say."


def test_an_interrupted_run_does_not_extrapolate(tmp_path: Path) -> None:
    """From small networks alone one would come to another number, in bold."""
    small = [one for one in broadcast_points() if one.nodes <= 256]
    followers = [point("multicast", n, 39_900.0, due=10.0) for n in (16, 64, 256)]
    for interrupted in (
        crossover_run.Results(points=small + followers, complete=False),
        crossover_run.Results(points=small + followers, failures=["broadcast, 1,000 servers: no room"]),
    ):
        said = crossover_report.headline(interrupted, plain=True)
        assert "extrapolated" not in said and "17,000" not in said
        assert "from about 41 servers on" in said, "between two sizes that were measured"
        assert "is left open" in said and "broadcast with up to 256 servers only" in said
        page = crossover_report.section(interrupted, tmp_path, "./dev demo")
        assert "broadcast exceeds" not in page and "extrapolated)" not in page
    assert "(extrapolated from up to 256)" in crossover_report.headline(crossover_run.Results(points=small + followers))


def test_the_parts_of_a_delivery_are_all_of_it() -> None:
    one = replace(
        point("multicast", 64, 5150.0, due=10.0),
        relay_post=25_000.0,
        control_post=9_000.0,
        copies=2.5,
        duplicate_post=0.0,
    )
    parts = crossover_plots.made_of(one)
    assert parts == pytest.approx({"author": 515.0, "passed_on": 2500.0, "again": 0.0, "control": 900.0})
    assert sum(parts.values()) == pytest.approx(one.per_delivery)


def test_what_is_full_and_what_is_nought_is_not_told_as_if_it_were_something() -> None:
    mesh = [replace(point("mesh", n, 1000.0), got=got, due=100) for n, got in ((64, 100), (128, 26))]
    late = replace(point("multicast", 1000, 39_900.0, due=10.0), follows_registered=0.9999)
    results = crossover_run.Results(points=[*broadcast_points(), *mesh, late])
    rows = crossover_report.table(results).split("<tr>")
    full = next(row for row in rows if "<td>128</td>" in row)
    assert "full" in full and "26 %" in full and full.count("<td>-</td>") == 5
    assert "0.0 %" not in crossover_report.caveats(results)
    results.points[-1] = replace(late, follows_registered=0.98)
    assert "2.0 % of the follows had not found" in crossover_report.caveats(results)
    assert "<td>-</td>" in crossover_report.follow_table(results), "one seed has no spread"
