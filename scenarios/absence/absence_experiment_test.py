"""The experiment on absences, tiny: it runs, remembers, and calculates what a hand would."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import pytest

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), str(HERE / "experiments")]

import absence_losses  # noqa: E402
import absence_report  # noqa: E402
import absence_search  # noqa: E402
from absence_points import COLUMNS, Point  # noqa: E402
from point_run import Run  # noqa: E402
from running import refused, run  # noqa: E402


def table(out: Path) -> list[dict[str, str]]:
    lines = (out / "absence.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    return list(csv.DictReader(lines))


def test_all_that_was_missed_comes_and_is_counted(tmp_path: Path) -> None:
    output = run("absence", tmp_path, "--missed=0,30", "--seeds=1")
    rows = table(tmp_path)
    assert [(row["missed"], row["got"]) for row in rows] == [("0", "0"), ("30", "30")]
    for row in rows:
        value = {name: float(cell) for name, cell in row.items() if name not in ("joined", "digest")}
        assert value["registered"] == value["followed"] == 100
        assert value["sent_B"] > value["alone_sent_B"] > 0 and value["received_B"] > value["alone_received_B"] > 0
        assert value["received_B"] > 800 * value["missed"]
        assert 0 < value["linked_s"] <= value["window_s"] and value["complete_s"] <= value["window_s"]
    some = {name: float(rows[1][name]) for name in ("first_s", "half_s", "complete_s", "round_trip_ms")}
    assert 0 < some["first_s"] <= some["half_s"] <= some["complete_s"] and 20 < some["round_trip_ms"] < 220
    page = (tmp_path / "absence.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and "src='http" not in page and "missed 30 events" in page
    assert (tmp_path / "absence.png").stat().st_size > 10_000
    assert output.count("finished") == 2

    again = run("absence", tmp_path, "--missed=0,30", "--seeds=1")
    assert "2 of 2 points are known from earlier runs" in again and table(tmp_path) == rows


def test_nothing_missed_can_be_drawn_as_well(tmp_path: Path) -> None:
    nothing = Point(
        missed=0, followed=5, servers=10, seed=1, registered=5, got=0, sent_B=3000, received_B=2500, duplicate_B=0,
        alone_sent_B=1000, alone_received_B=1310, window_s=30.0, linked_s=1.0, first_s=0.0, half_s=0.0, complete_s=0.0,
        round_trip_ms=100.0, joined=True, cpu_s=0.0, events=0, digest="",
    )  # fmt: skip
    some = replace(nothing, missed=3, got=3, received_B=6000, first_s=1.1, half_s=1.2, complete_s=1.5)
    for points in ([nothing], [nothing, some], [some]):
        run: Run[Point] = Run(points=points)
        absence_report.write(run, tmp_path, "./dev experiment absence")
        width, height = matplotlib.image.imread(tmp_path / "absence.png").shape[1::-1]
        assert 1000 < width < 4000 and 300 < height < 2000, "nothing is drawn far outside"


def test_what_is_beyond_the_events_is_what_a_hand_calculates() -> None:
    point = Point(
        missed=10, followed=5, servers=10, seed=1, registered=5, got=10, sent_B=3000, received_B=20_000, duplicate_B=0,
        alone_sent_B=1000, alone_received_B=1310, window_s=30.0, linked_s=1.0, first_s=1.1, half_s=1.2, complete_s=1.5,
        round_trip_ms=100.0, joined=True, cpu_s=0.0, events=0, digest="",
    )  # fmt: skip
    # 8,000 bytes fill 5.479 segments, each with 22 of a record, 52 of headers and 52 of an acknowledgement.
    assert point.events_B == pytest.approx(8690.41, abs=0.01)
    assert point.beyond_B == pytest.approx(23_000 - 2310 - 8690.41, abs=0.01)
    assert point.per_author_B == pytest.approx(2399.92, abs=0.01)
    assert point.round_trips == pytest.approx(5.0)


def test_followers_who_are_away_cost_their_author_little(tmp_path: Path) -> None:
    """Six posts an hour; most of it is the mail, each letter twice. It was 2.8 MB for each in the first hour."""
    search = absence_search.measure(absence_search.Ask(3, 1, servers=40), lambda part: None)
    assert search.guarded == 3 and search.letters == 2 * 3 * absence_search.POSTS * absence_search.HOURS
    first, *later = search.author_B
    assert first < 3 * 100_000 and all(hour < 3 * 25_000 for hour in later), search.author_B


def test_nothing_is_lost_in_some_hundred_absences(tmp_path: Path) -> None:
    output = run("absence", tmp_path, "--count=200")
    assert "\n200 absences of " in output and ": 0 lost." in output
    worlds = list(csv.DictReader((tmp_path / "absences.csv").read_text().splitlines()))
    assert len(worlds) == 4 and all(int(world["missed"]) > 100 for world in worlds)
    again = run("absence", tmp_path, "--count=100")
    assert "2 of 2 points are known from earlier runs" in again and "\n100 absences of " in again


def test_an_absence_that_loses_something_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose server never comes back has lost what was posted meanwhile."""
    monkeypatch.setattr(absence_losses._Play, "_return", lambda play, node: play.back_at.pop(node.index))
    monkeypatch.setattr(absence_losses, "LEAVING", ("crash",))
    monkeypatch.setattr(absence_losses, "PATIENCE", 60.0)
    monkeypatch.setattr(absence_losses, "ABSENCES", 1)
    world = absence_losses.measure(absence_losses.Ask(1, authors_leave=False), lambda _: None)
    assert world.absences == 1 and 0 < world.lost == world.missed and world.lost_notes[0].startswith("to ")


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--missed=many"], "--missed must be numbers like 64,1000, not 'many'"),
        (["--missed=-1"], "--missed must each be 0 to 1000000, not -1"),
        (["--count=0"], "--count must be 1 to 100000000, not 0"),
        (["--count=10", "--short"], "--count cannot be given together with --missed, --short or --seeds"),
        (["--authors-stay"], "--authors-stay needs --count"),
        (["--processes=0"], "--processes must be at least 1, not 0"),
        (["--out=/proc/x"], "--out: cannot write into /proc/x"),
    ],
)
def test_a_mistake_is_one_sentence_at_once(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in refused("absence", tmp_path, *arguments)
