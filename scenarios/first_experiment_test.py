"""The script that researchers begin with runs, and so does the page that explains it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
import running


def test_the_first_experiment_runs_and_draws(tmp_path: Path) -> None:
    said = running.run("examples/first_experiment", tmp_path, "--nodes=40", "--posts=4")
    rows = re.findall(r"^ *(\d+) % off: +([\d.]+) % arrived, median (\d+) ms, p99 (\d+) ms$", said, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [0, 10, 30, 50], said
    assert float(rows[0][1]) == 100.0 and int(rows[0][3]) < 1000, "nothing is lost or late where nothing fails"
    assert int(rows[-1][3]) > int(rows[0][3]), "the failures did happen"
    picture = matplotlib.image.imread(tmp_path / "first_experiment.png")
    assert min(picture.shape[:2]) > 400 and float(picture[..., :3].std()) > 0.05, "not an empty picture"


def told(page: Path, begin: str = "", end: str = "\\Z") -> dict[str, Any]:
    """Runs the Python of a page, between two headings; its names."""
    part = re.search(rf"{begin}(.*?){end}", page.read_text(), re.DOTALL)
    assert part is not None
    steps = re.findall(r"^```python\n(.*?)^```", part[1], re.MULTILINE | re.DOTALL)
    assert len(steps) >= 2
    names: dict[str, Any] = {}
    for step in steps:
        exec(compile(step, str(page), "exec"), names)
    return names


def test_the_page_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    names = told(running.EXPERIMENTS / "README.md")
    table, found = capsys.readouterr().out.split("calm: ")
    assert len(table.splitlines()) == 1 + len(names["storm"])
    assert found.startswith("99 % of deliveries within 0.") and "stormy: 99 % of deliveries within " in found
    assert names["stormy"][0] > 5 * names["calm"][0], "a storm is no calm"


def test_the_front_page_for_researchers(capsys: pytest.CaptureFixture[str]) -> None:
    names = told(running.EXPERIMENTS.parents[1] / "README.md", "## For researchers", "\n## ")
    said = capsys.readouterr().out
    assert said.startswith("1.0\n") and f"{names['net'].digest():#x}" in said, "futures leave the world alone"
    assert "cut 30 % of all nodes off" in said
