"""The same seed gives the same trace digest: on every run, by every compiler and level, with the memo on and off.

Needs the presets release, clang, debug and clang-debug to be built (./dev test does that): g++ and clang++, each with
-O3 and -O0.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parent.parent / "build"

# Small worlds that together touch joining, NAT of both kinds, posts, queues and loss as delay, on the mesh; a larger one
# on the scalable overlay, where servers come and go; and on either one in which all the rest happens
# (simnet/eventful.h).
WORLDS = {
    "mesh": ("mesh", "--overlay=mesh", "--nodes=12", "--posts=12", "--seconds=40", "--loss-ppm=0"),
    "lossy": ("mesh", "--overlay=mesh", "--nodes=8", "--posts=8", "--seconds=60", "--loss-ppm=30000"),
    "symmetric": ("symmetric", "--overlay=mesh", "--nodes=10", "--posts=10", "--seconds=40", "--nated=80"),
    "swarm": ("mesh", "--overlay=hyparview", "--nodes=48", "--nated=70", "--posts=16", "--crashes=16", "--seconds=320"),
    "eventful mesh": ("eventful", "--overlay=mesh", "--nodes=12"),
    "eventful swarm": ("eventful", "--overlay=hyparview", "--nodes=12"),
}


def simulate(preset: str, world: str, seed: int, *options: str) -> str:
    program = BUILD / preset / "nostrp2p-sim"
    assert program.is_file(), f"{program} is not built: ./dev build {preset} nostrp2p-sim"
    command = [str(program), *WORLDS[world], f"--seed={seed}", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def result(output: str) -> str:
    """What must be the same: everything after the line that tells the options, the digest first."""
    assert re.search(r"^digest +[0-9a-f]{16}$", output, re.MULTILINE), output
    return output.split("\n", 1)[1]


@cache
def reference(world: str, seed: int) -> str:
    return result(simulate("release", world, seed))


@pytest.mark.parametrize("world", WORLDS)
def test_twice_is_the_same(world: str) -> None:
    assert result(simulate("release", world, 1)) == reference(world, 1)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("preset", ["clang", "debug", "clang-debug"])
def test_another_compiler_or_level_is_the_same(preset: str, world: str) -> None:
    assert result(simulate(preset, world, 1)) == reference(world, 1)


@pytest.mark.parametrize("world", ["mesh", "swarm"])
def test_without_the_memo_it_is_the_same(world: str) -> None:
    assert result(simulate("release", world, 1, "--no-memo")) == reference(world, 1)


def test_writing_a_trace_changes_nothing(tmp_path: Path) -> None:
    assert result(simulate("release", "mesh", 1, f"--trace={tmp_path / 'trace.jsonl'}")) == reference("mesh", 1)


def test_another_seed_is_another_run() -> None:
    assert reference("mesh", 1) != reference("mesh", 2)


def test_the_scalable_overlay_is_the_default() -> None:
    program = BUILD / "release" / "nostrp2p-sim"
    done = subprocess.run([str(program), "--posts=1", "--seconds=5"], capture_output=True, text=True, timeout=60)
    assert "overlay hyparview" in done.stdout.split("\n", 1)[0], done


def test_in_the_swarm_servers_come_and_go_and_posts_arrive() -> None:
    output = reference("swarm", 1)
    delivered = re.search(r"^delivered +(\d+) of (\d+)", output, re.MULTILINE)
    assert delivered and int(delivered[1]) > 0.95 * int(delivered[2]) > 500, output


@pytest.mark.parametrize("world", ["eventful mesh", "eventful swarm"])
def test_the_eventful_world_is_eventful(world: str) -> None:
    """It would prove little if its mentions got lost at once, or nobody had a question."""
    output = reference(world, 1)
    mentions = re.search(r"^mentions +(\d+) of (\d+) reached", output, re.MULTILINE)
    lookups = re.search(r"^lookups +(\d+) of (\d+) answered", output, re.MULTILINE)
    servers = re.search(r", (\d+) in outboxes, (\d+) followers", output)
    assert mentions and lookups and servers, output
    waiting = 0 if world == "eventful mesh" else int(servers[1])  # on their way, with pauses that grow
    assert int(mentions[2]) - waiting <= int(mentions[1]) and int(mentions[1]) >= 15 and waiting <= 1, output
    assert int(lookups[1]) >= 1, output
    # On the mesh everybody notices that a server was away and registers again where a disk was lost; on the scalable
    # overlay who is no neighbour does that with the renewal of the lease.
    assert int(servers[2]) == 3 * 12 if world == "eventful mesh" else 3 * 12 - 3 <= int(servers[2]) <= 3 * 12, output


@pytest.mark.parametrize("seed", ["-1", "+1", "1.5", "x", "18446744073709551616"])
def test_a_seed_that_is_none_is_refused_in_one_sentence(seed: str) -> None:
    program = BUILD / "release" / "nostrp2p-sim"
    done = subprocess.run([str(program), f"--seed={seed}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == "", done
    assert re.fullmatch(r"nostrp2p-sim: [^\n]*--seed[^\n]*\n", done.stderr), done.stderr
    assert seed in done.stderr


def test_the_seed_is_said_first() -> None:
    assert simulate("release", "mesh", 7).startswith("seed 7")
