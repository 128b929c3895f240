"""Measures many points on several processes. Each process keeps its own point as soon as it is there: what is finished
survives Ctrl-C, a crash and a lack of memory, and the next run goes on from there."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Generic, Protocol, Sequence, TypeVar

from np2p.progress import Progress
from point_files import keep, kept

P = TypeVar("P")
Report = Callable[[float], None]  # how much of a point is done, 0 to 1


class Ask(Protocol):
    """What is to be measured."""

    @property
    def name(self) -> str:
        ...

    @property
    def cost(self) -> float:
        """About how much work it is."""

    def file(self, folder: Path) -> Path:
        """That keeps the point."""


A = TypeVar("A", bound=Ask)


@dataclass
class Run(Generic[P]):
    points: list[P] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    complete: bool = True
    remembered: int = 0  # points that earlier runs had measured
    wall_seconds: float = 0.0


@dataclass(frozen=True)
class Work(Generic[A, P]):
    """What runs in the processes."""

    what: str  # the experiment's name
    kind: type[P]
    measure: Callable[[A, Report], P]
    folder: Path


def ended(run: Run[Any], name: str, lost: int = 0) -> int:
    """Says what went wrong; what the process is to exit with."""
    for failure in run.failures:
        print(f"{name}: {failure}", file=sys.stderr)
    if not run.complete:
        print("interrupted: only what was finished is in there; the same command goes on from here", file=sys.stderr)
        return 130
    return 1 if run.failures or lost else 0


def written(run: Run[Any], name: str, out: Path, *also: str) -> None:
    """Says where the results are: table, plots and page, and what else there is."""
    names = ", ".join(str(out / file) for file in (f"{name}.csv", f"{name}.png", *also, f"{name}.html"))
    print(f"{run.wall_seconds:.0f} s; wrote {names}")


def run_points(work: Work[A, P], asks: Sequence[A], processes: int, fresh: bool, into: Run[P]) -> None:
    """Every point, small ones first: a look at the plot is worth something before the long ones are finished."""
    began = time.monotonic()
    waiting = []
    for ask in asks:
        known = None if fresh else kept(work.kind, ask.file(work.folder))
        if known is None:
            waiting.append(ask)
        else:
            into.points.append(known)
    waiting.sort(key=lambda ask: ask.cost)
    into.remembered = len(into.points)
    if into.remembered:
        print(f"{into.remembered} of {len(asks)} points are known from earlier runs (--fresh measures them again)")
    if waiting:
        _measure(work, waiting, processes, into, began)
    into.wall_seconds = time.monotonic() - began


def _measure(work: Work[A, P], asks: list[A], processes: int, into: Run[P], began: float) -> None:
    context = multiprocessing.get_context("fork")
    board = context.Array("d", len(asks), lock=False)
    running: dict[int, tuple[Any, Any]] = {}
    total, next_one, done = sum(ask.cost for ask in asks), 0, 0
    try:
        with Progress(work.what, 100.0, "%") as bar:
            while next_one < len(asks) or running:
                while next_one < len(asks) and len(running) < processes:
                    running[next_one] = _start(context, work, asks[next_one], next_one, board)
                    next_one += 1
                time.sleep(0.05)
                for slot in [slot for slot, (process, _) in running.items() if not process.is_alive()]:
                    process, said = running.pop(slot)
                    process.join()
                    done += 1
                    board[slot] = 1.0
                    _collect(work, asks[slot], process.exitcode, said, into, time.monotonic() - began)
                part = sum(ask.cost * board[slot] for slot, ask in enumerate(asks)) / total
                bar.update(100.0 * part, f"({done} of {len(asks)} points)")
    except KeyboardInterrupt:
        into.complete = False
        for process in multiprocessing.active_children():  # one may have been started and not yet be in `running`
            process.kill()
            process.join()


def _start(context: Any, work: Work[A, P], ask: A, slot: int, board: Any) -> tuple[Any, Any]:
    mine, theirs = context.Pipe(duplex=False)
    # A child is born with Ctrl-C blocked, until it ignores it: what that means is the parent's to decide.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = context.Process(target=_work, args=(work, ask, slot, board, theirs))
    process.start()
    theirs.close()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return process, mine


def _work(work: Work[A, P], ask: A, slot: int, board: Any, said: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    die_with_parent()

    def report(part: float) -> None:
        board[slot] = part

    sys.stderr = open(os.devnull, "w")  # progress is the parent's to show
    try:
        keep(work.measure(ask, report), ask.file(work.folder))
    except Exception:
        said.send(traceback.format_exc())
        os._exit(1)


def _collect(work: Work[A, P], ask: A, code: int | None, said: Any, into: Run[P], seconds: float) -> None:
    point = kept(work.kind, ask.file(work.folder)) if code == 0 else None
    if point is not None:
        into.points.append(point)
        if not sys.stderr.isatty():
            print(f"finished: {ask.name} ({seconds:.0f} s)", flush=True)
    else:
        try:
            why = said.recv()
        except EOFError:  # it could not say
            why = f"its process died ({code})"
        into.failures.append(f"{ask.name}: {why}")


def die_with_parent() -> None:
    """Whoever kills the parent, be it with a signal that it cannot catch, has killed this process too (prctl(2))."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
