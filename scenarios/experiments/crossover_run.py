"""Measures many points on several processes. Each process keeps its own point as soon as it is there: what is finished
survives Ctrl-C, a crash and a lack of memory, and the next run goes on from there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

from crossover_points import Ask, Point, keep, kept
from np2p.progress import Progress


@dataclass
class Results:
    points: list[Point] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    complete: bool = True
    remembered: int = 0  # points that earlier runs had measured
    wall_seconds: float = 0.0

    def of(self, mode: str, graph: str | None = None) -> list[Point]:
        return [point for point in self.points if point.mode == mode and graph in (None, point.graph)]


def run_all(asks: Sequence[Ask], folder: Path, processes: int, fresh: bool) -> Results:
    """Every point, small ones first: a look at the plot is worth something before the long ones are finished."""
    began = time.monotonic()
    results = Results()
    for ask in asks:
        known = None if fresh else kept(ask, folder)
        if known is not None:
            results.points.append(known)
    known_keys = {_key(point) for point in results.points}
    waiting = sorted((ask for ask in asks if _key(ask) not in known_keys), key=lambda ask: ask.cost)
    results.remembered = len(results.points)
    if results.remembered:
        print(f"{results.remembered} of {len(asks)} points are known from earlier runs (--fresh measures them again)")
    if waiting:
        _measure(waiting, folder, processes, results, began)
    results.points.sort(key=lambda point: (point.mode, point.graph, point.nodes, point.seed))
    results.wall_seconds = time.monotonic() - began
    return results


def _key(one: Ask | Point) -> tuple[str, str, int, int]:
    return one.mode, one.graph, one.nodes, one.seed


def _measure(asks: list[Ask], folder: Path, processes: int, results: Results, began: float) -> None:
    context = multiprocessing.get_context("fork")
    board = context.Array("d", len(asks), lock=False)
    running: dict[int, tuple[Any, Any]] = {}
    total, next_one, done = sum(ask.cost for ask in asks), 0, 0
    try:
        with Progress("crossover", 100.0, "%") as bar:
            while next_one < len(asks) or running:
                while next_one < len(asks) and len(running) < processes:
                    running[next_one] = _start(context, asks[next_one], next_one, folder, board)
                    next_one += 1
                time.sleep(0.05)
                for slot in [slot for slot, (process, _) in running.items() if not process.is_alive()]:
                    process, said = running.pop(slot)
                    process.join()
                    done += 1
                    board[slot] = 1.0
                    _collect(asks[slot], process.exitcode, said, folder, results, time.monotonic() - began)
                part = sum(ask.cost * board[slot] for slot, ask in enumerate(asks)) / total
                bar.update(100.0 * part, f"({done} of {len(asks)} points)")
    except KeyboardInterrupt:
        results.complete = False
        for process in multiprocessing.active_children():  # one may have been started and not yet be in `running`
            process.kill()
            process.join()


def _start(context: Any, ask: Ask, slot: int, folder: Path, board: Any) -> tuple[Any, Any]:
    mine, theirs = context.Pipe(duplex=False)
    # A child is born with Ctrl-C blocked, until it ignores it: what that means is the parent's to decide.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = context.Process(target=_work, args=(ask, slot, folder, board, theirs))
    process.start()
    theirs.close()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return process, mine


def _work(ask: Ask, slot: int, folder: Path, board: Any, said: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    import crossover_measure

    crossover_measure.die_with_parent()

    def report(part: float) -> None:
        board[slot] = part

    sys.stderr = open(os.devnull, "w")  # progress is the parent's to show
    try:
        keep(ask, crossover_measure.measure(ask, report), folder)
    except Exception:
        said.send(traceback.format_exc())
        os._exit(1)


def _collect(ask: Ask, code: int | None, said: Any, folder: Path, results: Results, seconds: float) -> None:
    point = kept(ask, folder) if code == 0 else None
    if point is not None:
        results.points.append(point)
        if not sys.stderr.isatty():
            print(f"finished: {ask.name} ({seconds:.0f} s)", flush=True)
    else:
        try:
            why = said.recv()
        except EOFError:  # it could not say
            why = f"its process died ({code})"
        results.failures.append(f"{ask.name}: {why}")
