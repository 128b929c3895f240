"""The celebrity experiment, tiny: it runs, remembers, and calculates what a hand would."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "experiments")]

import celebrity  # noqa: E402
from celebrity_points import COLUMNS, unicast_s  # noqa: E402
from running import refused, run  # noqa: E402

TINY = ("--short", "--followers=40,80")


def table(out: Path) -> list[dict[str, str]]:
    lines = (out / "celebrity.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    return list(csv.DictReader(lines))


def test_everybody_gets_what_the_author_says_and_all_of_it_is_counted(tmp_path: Path) -> None:
    output = run("celebrity", tmp_path, *TINY)
    rows = table(tmp_path)
    assert [row["followers"] for row in rows] == ["40", "80"]
    for row in rows:
        value = {name: float(cell) for name, cell in row.items() if name not in ("joined", "digest")}
        assert value["registered"] == value["followers"] and value["nated"] == pytest.approx(0.8 * value["followers"])
        assert value["got"] == value["due"] == value["posts"] * value["followers"]
        assert 1 <= value["author_copies"] <= value["followers"]
        assert value["above_p99_ms"] >= value["above_p50_ms"] > 0 and value["latency_p50_ms"] > value["above_p50_ms"]
        # Each of them gets 800 bytes over at least one link; the author sends one in a segment for each copy.
        assert value["author_B"] >= 0.9 * 874 * value["author_copies"]
        assert value["delivery_B"] > 800 and value["transmissions"] > 0.9
        assert value["carriers"] <= value["followers"]
    page = (tmp_path / "celebrity.html").read_text()
    assert page.count("data:image/png;base64,") == 4 and "src='http" not in page and "To 80 followers" in page
    assert (tmp_path / "celebrity.png").stat().st_size > 10_000
    assert output.count("finished") == 2

    again = run("celebrity", tmp_path, *TINY)
    assert "2 of 2 points are known from earlier runs" in again and table(tmp_path) == rows


def test_one_copy_to_each_takes_as_long_as_a_hand_calculates() -> None:
    # 100,000 x 800 bytes are 640 Mbit.
    assert unicast_s(100_000, 1.0) == pytest.approx(64.0)
    assert unicast_s(1000, 0.5) == pytest.approx(0.32)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--followers=many"], "--followers must be numbers like 64,1000, not 'many'"),
        (["--followers=4"], "--followers must each be 20 to 1000000, not 4"),
        (["--followers=40", "--max-followers=100"], "--followers and --max-followers cannot be given together"),
        (["--max-followers=3"], "--max-followers must be 20 to 1000000, not 3"),
        (["--seeds=0"], "--seeds must be 1 to 100, not 0"),
        (["--processes=0"], "--processes must be at least 1, not 0"),
        (["--out=/proc/x"], "--out: cannot write into /proc/x"),
    ],
)
def test_a_mistake_is_one_sentence_at_once(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in refused("celebrity", tmp_path, *arguments)


def test_the_short_form_has_its_small_size_below_any_largest_one(tmp_path: Path) -> None:
    def sizes(*arguments: str) -> list[int]:
        found: list[int] = celebrity.arguments([*arguments, f"--out={tmp_path}"]).sizes
        return found

    assert sizes("--short", "--max-followers=1000") == [300, 1000]
    assert sizes("--short", "--max-followers=5000") == [300, 1000, 3000, 5000]
    assert sizes("--max-followers=1000") == [1000] and sizes("--short") == [300, 1000]
