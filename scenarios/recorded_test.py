"""Records of long runs: what is measured again takes the place of what was."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "experiments"))
import recorded  # noqa: E402 - beside the experiments
from scale import Results, Row  # noqa: E402


def results(command: str, *values: tuple[int, str, float]) -> Results:
    rows = [Row("hyparview", nodes, 0.8, "broadcast", metric, value) for nodes, metric, value in values]
    return Results(rows=rows, command=command)


def test_records_are_kept_and_replaced_by_what_is_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "scale.csv"
    assert recorded.scale_results(1, path) == (Results(), [])
    recorded.record(results("first", (10_000, "delivery", 0.5), (1_000, "delivery", 0.75)), path)
    recorded.record(results("second", (10_000, "delivery", 1.0), (10_000, "hops_mean", 5.5)), path)
    kept, made = recorded.scale_results(1, path)
    assert kept.sizes("hyparview") == [1_000, 10_000]
    assert kept.value("hyparview", 10_000, 0.8, "broadcast", "delivery") == 1.0
    assert kept.value("hyparview", 1_000, 0.8, "broadcast", "delivery") == 0.75
    assert [one.split(" (")[0] for one in made] == ["second", "first"]
    larger, made = recorded.scale_results(1_001, path)
    assert larger.sizes("hyparview") == [10_000] and len(made) == 1


def test_the_recorded_table_of_both_worlds_is_shown_unless_there_is_a_newer_one(tmp_path: Path) -> None:
    assert "a recorded run, not one of this machine" in recorded.fidelity_section(tmp_path / "fidelity.csv")
    (tmp_path / "fidelity.csv").write_text("what,real\nduplicates <all>,7\n")
    newer = recorded.fidelity_section(tmp_path / "fidelity.csv")
    assert "this machine's last run" in newer and "<td>duplicates &lt;all&gt;</td><td>7</td>" in newer
