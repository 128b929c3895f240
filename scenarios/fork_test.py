"""net.fork(): several futures of one world, each in a copy, and this world as if nothing had been."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import np2p
from np2p import minutes, seconds
from np2p.fork import FutureFailed


def world(seed: int = 5) -> np2p.Simulation:
    net = np2p.Simulation(seed=seed)
    net.add_nodes(20)
    net.bootstrap(within=minutes(3))
    return net


def story(net: np2p.Simulation, author: int = 3) -> int:
    """Something of everything that Python remembers beside the simulator; the digest."""
    net.nodes[author].follow(net.nodes[1])
    net.nodes[author].post("in this future")
    net.nodes[7].crash()
    net.run_for(minutes(2))
    return net.digest()


def test_a_copy_goes_on_as_the_world_would_have() -> None:
    expected = {author: story(world(), author) for author in (3, 4)}
    net = world()
    assert net.fork(*[partial(story, author=author) for author in (3, 4, 3)]) == [
        expected[3],
        expected[4],
        expected[3],
    ]
    assert story(net) == expected[3], "and the world itself goes on as if it had not been copied"


def test_the_world_is_untouched() -> None:
    net = world()
    digest, events, now = net.digest(), net.events, net.now
    assert net.fork(story, story, processes=1)[0] != digest
    assert (net.digest(), net.events, net.now) == (digest, events, now)
    assert net.nodes[7].online and net.followers(net.nodes[1]) == [] and net.nodes[3].timeline() == []


def test_results_come_in_order_whatever_their_size_and_number() -> None:
    def table(net: np2p.Simulation, author: int) -> Any:
        net.run_for(seconds(20 - author))  # who began first is finished last
        return author, net.traffic(), np.zeros(300_000)

    net = world()
    found = net.fork(*[partial(table, author=author) for author in range(9)], processes=4)
    assert [author for author, _, _ in found] == list(range(9))
    assert all(np.array_equal(rows["node"], np.arange(20)) and len(zeros) == 300_000 for _, rows, zeros in found)
    assert net.fork() == []


@pytest.mark.untraced
def test_a_scenario_has_futures(net: np2p.Simulation) -> None:
    alice, *crowd = net.add_nodes(8)
    net.bootstrap(within=minutes(3))

    def told(world: np2p.Simulation, online: bool) -> float:
        if not online:
            crowd[0].go_offline()
        note = alice.post("who hears this?")
        world.run_for(minutes(1))
        return world.delivery_ratio(note, to=crowd)

    assert net.fork(partial(told, online=True), partial(told, online=False)) == [1.0, 6 / 7]
    assert crowd[0].online


def test_a_copy_that_ends_within_a_word_is_named() -> None:
    def pipes_to_write_to() -> set[int]:
        files = {int(one) for one in os.listdir("/proc/self/fd") if Path(f"/proc/self/fd/{one}").is_fifo()}
        return {one for one in files if fcntl.fcntl(one, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY}

    before = pipes_to_write_to()

    def cut_short(world: np2p.Simulation) -> bytes:
        (pipe,) = pipes_to_write_to() - before
        os.write(pipe, (1000).to_bytes(4, "big") + b"not as long as it said")
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    with pytest.raises(np2p.Error, match=r"^future 0 \(cut_short\) ended by SIGKILL"):
        world().fork(cut_short)


def test_no_more_copies_run_at_once_than_asked(tmp_path: Path) -> None:
    def crowd(net: np2p.Simulation) -> int:
        mine = tmp_path / str(os.getpid())
        mine.touch()
        net.run_for(seconds(30))
        seen = len(list(tmp_path.iterdir()))
        mine.unlink()
        return seen

    net = world()
    assert max(net.fork(*[crowd] * 6, processes=1)) == 1
    assert max(net.fork(*[crowd] * 6, processes=3)) <= 3


def test_a_failure_in_a_copy_is_raised_here_with_its_traceback(tmp_path: Path) -> None:
    def for_ever(net: np2p.Simulation) -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        net.run_for(np2p.days(3650))

    def a_bad_idea(net: np2p.Simulation) -> None:
        while not (tmp_path / "pid").exists():
            pass
        net.nodes[0].post(7)  # type: ignore[arg-type]

    net = world()
    with pytest.raises(TypeError, match="content must be a str") as failure:
        net.fork(for_ever, a_bad_idea, processes=2)
    cause = failure.value.__cause__
    assert isinstance(cause, FutureFailed)
    assert "in future 1 (a_bad_idea)" in str(cause) and "net.nodes[0].post(7)" in str(cause)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


class Unpicklable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def test_what_cannot_come_back_is_said_in_words() -> None:
    def throw(net: np2p.Simulation) -> None:
        raise Unpicklable(1, 2)

    def leave(net: np2p.Simulation) -> None:
        sys.exit(3)

    def die(net: np2p.Simulation) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    net = world()
    with pytest.raises(np2p.Error, match="^Unpicklable: 1 and 2$"):
        net.fork(throw)
    with pytest.raises(np2p.Error, match="SystemExit"):
        net.fork(leave)
    with pytest.raises(np2p.Error, match=r"^future 0 \(die\) ended by SIGKILL before it had anything to tell"):
        net.fork(die)
    with pytest.raises(TypeError, match="a future must return what can be pickled.*Note"):
        net.fork(lambda copy: copy.nodes[0].post("a note of the copy"))


@pytest.mark.parametrize("whole_group", (True, False), ids=("at a terminal", "the parent alone"))
def test_ctrl_c_ends_all_copies(tmp_path: Path, whole_group: bool) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        "import os, np2p\n"
        "net = np2p.Simulation(seed=1)\n"
        "net.add_nodes(8)\n"
        "def long(copy):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    copy.run_for(np2p.days(3650))\n"
        "net.fork(long, long, processes=2)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(Path(np2p.__file__).resolve().parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    assert process.stdout is not None
    copies = [int(process.stdout.readline()) for _ in range(2)]
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    _, errors = process.communicate()
    assert "KeyboardInterrupt" in errors and process.returncode == -signal.SIGINT
    for copy in copies:
        with pytest.raises(ProcessLookupError):
            os.kill(copy, 0)


def test_a_traced_or_a_real_world_is_refused(tmp_path: Path) -> None:
    net = np2p.Simulation(seed=1, trace=str(tmp_path / "trace.jsonl"))
    with pytest.raises(np2p.Unsupported, match=r"trace is being written .*trace\.jsonl.*untraced"):
        net.fork(story)
    with pytest.raises(TypeError, match="^futures must be functions of a network; number 1 is int"):
        world().fork(story, 7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="^processes must be at least 1, not 0"):
        world().fork(story, processes=0)
    with pytest.raises(np2p.Unsupported, match="fork.. needs np2p.Simulation"):
        np2p.Network.fork(net, story)
