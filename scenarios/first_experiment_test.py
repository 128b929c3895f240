"""The script that the handbook begins with runs, and says what it found."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.image
import running


def test_the_first_experiment_runs_and_draws(tmp_path: Path) -> None:
    said = running.run("examples/first_experiment", tmp_path, "--nodes=40", "--posts=4")
    rows = re.findall(r"^ *(\d+) % off: +([\d.]+) % arrived, median (\d+) ms, p99 (\d+) ms$", said, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [0, 10, 30, 50], said
    assert float(rows[0][1]) == 100.0 and int(rows[0][3]) < 1000, "nothing is lost or late where nothing fails"
    assert int(rows[-1][3]) > int(rows[0][3]), "the failures did happen"
    picture = matplotlib.image.imread(tmp_path / "first_experiment.png")
    assert min(picture.shape[:2]) > 400 and float(picture[..., :3].std()) > 0.05, "not an empty picture"
