"""Several futures of one world: each happens in a copy of this process, and what it comes to is handed back.

A copy is made by fork(2), so it has everything that this process has and shares the memory of what neither changes: a
world that took minutes to grow is grown once. Copies are processes, so they run beside each other.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import sys
import traceback
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Callable, NoReturn, Sequence, TypeVar

from .errors import Error
from .progress import Progress

T = TypeVar("T")
PR_SET_PDEATHSIG = 1  # prctl(2)


class FutureFailed(Exception):
    """The traceback of a copy, as the cause of the exception that its parent raises."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def in_copies(futures: Sequence[Callable[[], T]], processes: int, what: str = "fork") -> list[T]:
    """What each of these returns, in order; each runs in a copy of this process, at most `processes` at once.

    An exception in one of them ends the others and is raised here, with the traceback of the copy as its cause. Ctrl-C
    ends all of them, and so does whatever ends this process. What is printed comes out as it is printed; progress is
    not shown by copies but here: how many are finished.
    """
    results: dict[int, T] = {}
    running: dict[Connection, tuple[int, int]] = {}  # the end of a pipe -> which future, in which process
    try:
        with Progress(what, len(futures), "futures") as bar:
            for number, future in enumerate(futures):
                if len(running) >= processes:
                    _collect(running, results, futures)
                    bar.update(len(results))
                _start(number, future, running)
            while running:
                _collect(running, results, futures)
                bar.update(len(results))
    finally:
        for pipe, (_, process) in running.items():
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            pipe.close()
    return [results[number] for number in range(len(futures))]


def _start(number: int, future: Callable[[], Any], running: dict[Connection, tuple[int, int]]) -> None:
    mine, theirs = Pipe(duplex=False)
    sys.stdout.flush()  # or the copy would print it again
    sys.stderr.flush()
    # Between fork and the entry in `running` a Ctrl-C would leave a copy that nobody ends.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            _be_copy(future, theirs, parent, before)
        running[mine] = (number, process)
        theirs.close()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_copy(future: Callable[[], Any], theirs: Connection, parent: int, mask: set[Any]) -> NoReturn:
    """All that a copy does; it never returns."""
    try:
        # Ctrl-C ends a copy at once, unless it was to be ignored, as by what a shell runs in the background.
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it had ended before we asked to be told
        gc.freeze()  # a collection would touch, and so copy, every object of the parent
        Progress.allowed = False
        theirs.send_bytes(_outcome(future))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(0)


def _outcome(future: Callable[[], Any]) -> bytes:
    """The pickled answer: (True, result) or (False, (exception, traceback))."""
    try:
        result = future()
    except BaseException as problem:
        text = traceback.format_exc()
        try:
            kept: Any = pickle.loads(pickle.dumps(problem))  # some can be pickled and not be made again
        except Exception:
            kept = Error(f"{type(problem).__name__}: {problem}")
        return pickle.dumps((False, (kept if isinstance(kept, Exception) else Error(f"it ended by {kept!r}"), text)))
    try:
        return pickle.dumps((True, result), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as problem:
        message = f"a future must return what can be pickled (numbers, text, arrays, lists of these): {problem}"
        return pickle.dumps((False, (TypeError(message), f"it returned a {type(result).__name__}")))


def _collect(
    running: dict[Connection, tuple[int, int]], results: dict[int, Any], futures: Sequence[Callable[[], Any]]
) -> None:
    """Takes what at least one copy has to say."""
    for pipe in wait(list(running)):
        assert isinstance(pipe, Connection)
        number, process = running[pipe]
        try:
            said = pipe.recv_bytes()
        except (EOFError, OSError):  # it ended before a word, or within one
            said = b""
        del running[pipe]  # first: a process that was waited for must not be killed, its number may be another's
        pipe.close()
        _, status = os.waitpid(process, 0)
        if not said:
            _died(number, status, futures[number])
        fine, value = pickle.loads(said)
        if not fine:
            problem, text = value
            raise problem from FutureFailed(f"in {_name(number, futures[number])}:\n{text}")
        results[number] = value


def _died(number: int, status: int, future: Callable[[], Any]) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    why = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    raise Error(f"{_name(number, future)} ended {why} before it had anything to tell")


def _name(number: int, future: Callable[[], Any]) -> str:
    called = getattr(future, "func", future)  # of functools.partial
    called = getattr(called, "func", called)
    return f"future {number} ({getattr(called, '__name__', type(called).__name__)})"
