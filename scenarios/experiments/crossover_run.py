"""Measures the points of the crossover experiment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from crossover_points import Ask, Point
from point_run import Report, Run, Work, run_points


@dataclass
class Results(Run[Point]):
    @property
    def whole(self) -> bool:
        """Was everything measured that was asked for?"""
        return self.complete and not self.failures

    def of(self, mode: str, graph: str | None = None) -> list[Point]:
        return [point for point in self.points if point.mode == mode and graph in (None, point.graph)]


def run_all(asks: Sequence[Ask], folder: Path, processes: int, fresh: bool) -> Results:
    results = Results()
    run_points(Work("crossover", Point, _measure, folder), asks, processes, fresh, results)
    results.points.sort(key=lambda point: (point.mode, point.graph, point.nodes, point.seed))
    return results


def _measure(ask: Ask, report: Report) -> Point:
    import crossover_measure

    return crossover_measure.measure(ask, report)
