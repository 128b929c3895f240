"""mode='auto', and networks in which each server has a mode of its own."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import np2p
from np2p import minutes, seconds

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "experiments")]
import modes as experiment  # noqa: E402
import modes_model as model  # noqa: E402
import modes_world as world  # noqa: E402
from modes_points import Ask  # noqa: E402
from running import refused, run, start  # noqa: E402


def _all_have(net: np2p.Network, note: np2p.Note, people: list[np2p.Node]) -> bool:
    return net.eventually(lambda: all(one.has(note) for one in people), within=minutes(1))


@pytest.mark.both
@pytest.mark.overlays("hyparview", "mesh")
def test_in_a_small_network_auto_is_broadcast(net: np2p.Network) -> None:
    alice, bob, carol = net.add_nodes(3, nat=["none", "port_restricted", "none"], mode="auto")
    net.bootstrap(within=minutes(3))
    note = alice.post("to everybody")
    assert _all_have(net, note, [bob, carol])
    assert all(node.mode_now() == "broadcast" for node in net.nodes)


@pytest.mark.seeds(per_commit=2, nightly=50)
def test_servers_of_different_modes_understand_each_other(net: np2p.Simulation) -> None:
    """A third each broadcasts, sends to followers, and decides by itself: half of these either way."""
    nat = ["none", "port_restricted"]
    people = [net.add_node(nat=nat[i % 2], mode=mode) for mode in ("broadcast", "multicast") for i in range(8)]
    for budget in (1_000_000, 1):
        settings: dict[str, Any] = {"broadcast_budget": budget, "review_every": 8.0, "switch_pause": 3600.0}
        people += [net.add_node(nat=nat[i % 2], mode="auto", **settings) for i in range(4)]
    net.bootstrap(within=minutes(3))
    for i, node in enumerate(people):
        node.follow(people[i - 1], people[i - 5])
    assert net.eventually(lambda: all(one.mode_now() == "multicast" for one in people[-4:]), within=minutes(2))
    assert all(one.mode_now() == "broadcast" for one in people[-8:-4])
    net.run_for(seconds(10))

    for i, author in enumerate(people):
        everybody = author.mode_now() == "broadcast"
        followers = [people[(i + 1) % len(people)], people[(i + 5) % len(people)]]
        stranger, other = people[(i + 3) % len(people)], people[(i + 7) % len(people)]
        post = author.post("who reads this?")
        mention = author.post("you do", mentions=[stranger])
        assert _all_have(net, post, people if everybody else followers)
        assert _all_have(net, mention, people if everybody else [*followers, stranger])
        # A stranger who was named answers, reacts and quotes, in whatever mode his own server is.
        reply, reaction, quote = (
            stranger.reply(mention, "I do"),
            stranger.react(mention),
            stranger.quote(mention, "see"),
        )
        for note in (reply, reaction, quote):
            assert _all_have(net, note, [author])
        assert _all_have(net, reaction, followers)
        all_of_it = (post, mention, reply, reaction, quote)
        assert net.eventually(lambda: all(net.delivery_ratio(note) == 1.0 for note in all_of_it), within=minutes(1))
        assert other.has(post) == everybody or other in followers


def test_what_was_for_everybody_is_deleted_everywhere(net: np2p.Simulation) -> None:
    alice, bob, carol = net.add_nodes(3, nat="none", mode="auto", broadcast_budget=1, review_every=40.0)
    net.bootstrap(within=minutes(3))
    bob.follow(alice)
    net.run_for(seconds(5))
    before = alice.post("to everybody")
    assert _all_have(net, before, [bob, carol])
    switched = net.add_nodes(30, nat="none", mode="auto", broadcast_budget=1, review_every=40.0)
    assert net.eventually(lambda: alice.mode_now() == "multicast", within=minutes(10))
    after = alice.post("to followers only")
    assert _all_have(net, after, [bob])
    deletion = alice.delete(before)
    assert net.eventually(lambda: not bob.has(before) and not carol.has(before), within=minutes(1))
    assert _all_have(net, deletion, [bob, carol, switched[0]])
    assert not carol.has(after)


def test_a_restart_keeps_what_was_decided(net: np2p.Simulation) -> None:
    nodes = net.add_nodes(20, nat="none", mode="auto", broadcast_budget=1, review_every=10.0)
    net.bootstrap(within=minutes(3))
    assert net.eventually(lambda: nodes[5].mode_now() == "multicast", within=minutes(5))
    nodes[5].crash()
    net.run_for(seconds(20))
    nodes[5].restart()
    assert nodes[5].mode_now() == "multicast"


def test_servers_know_how_many_they_are(net: np2p.Simulation) -> None:
    nodes = net.add_nodes(16, nat="none") + net.add_nodes(84, nat="mixed")
    net.bootstrap(within=minutes(5))
    net.run_for(minutes(30))
    sizes = [net.network_size(node) for node in nodes]
    assert sum(75 <= size <= 125 for size in sizes) >= 90, sorted(sizes)
    assert all(50 <= size <= 200 for size in sizes), sorted(sizes)


def test_a_network_that_grows_past_the_budget_goes_over_and_loses_nothing() -> None:
    grown = world.grow(120, 1)
    assert grown.broadcasting[0] == 1.0 and grown.broadcasting[-1] < 0.1
    assert grown.most_in_a_day <= 1
    assert grown.switches <= 1.1 * grown.nodes  # nobody goes back and forth
    assert grown.missing == 0 and grown.due >= 100
    assert grown.within_a_quarter > 0.85


def test_the_rule_keeps_still_where_others_swing(tmp_path: Path) -> None:
    asks = [Ask(case, 1000, 30, 3) for case in ("growth", "edge", "spam")]
    growth, edge, spam = experiment.study(asks, tmp_path, 1, fresh=False).points
    assert [one.case for one in (growth, edge, spam)] == ["growth", "edge", "spam"]
    for one in (growth, edge, spam):
        assert one.most_in_a_day <= 1
        assert one.per_server_day < one.naive_per_server_day / 5
    assert growth.broadcasting[0] == 1.0 and growth.broadcasting[-1] < 0.2
    assert growth.rose < 0.05
    assert edge.per_server_day < 0.05
    # Whoever counts what spammers post goes over; who counts what one author can mean does not.
    assert min(spam.naive) < 0.8 and spam.broadcasting[-1] > 0.9
    assert model.threshold(model.Population(1000, 3)) > 15_000


SMALL = ("--users=400", "--days=10", "--seed=3")


def test_an_interrupted_run_keeps_the_cases_that_are_finished(tmp_path: Path) -> None:
    process = start("modes", tmp_path, *SMALL, "--nodes=2000", "--processes=1")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert sum(line.startswith("finished") for line in itertools.islice(lines, 4)) == 3
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=300)  # a hang, not a slow machine, is a fault
    assert process.returncode == 130 and "Traceback" not in output, output
    assert "the same command goes on from here" in output
    rows = list(csv.DictReader((tmp_path / "modes.csv").read_text().splitlines()))
    assert [row["case"] for row in rows] == ["growth", "edge", "spam"]
    assert "the run was interrupted" in (tmp_path / "modes.html").read_text()

    output = run("modes", tmp_path, *SMALL, "--nodes=40")
    assert "3 of 4 points are known from earlier runs" in output and output.count("finished") == 1
    rows = list(csv.DictReader((tmp_path / "modes.csv").read_text().splitlines()))
    assert [row["case"] for row in rows] == ["growth", "edge", "spam", "whole"]
    page = (tmp_path / "modes.html").read_text()
    assert page.count("data:image/png;base64,") == 4 and "the run was interrupted" not in page
    assert (tmp_path / "modes.png").stat().st_size > 10_000
    for name in ("growth", "edge", "spam", "whole", "most in a day", "without the rule", "rose again"):
        assert f"\n{name}: " in output or f"; {name}: " in output, f"{name} is explained"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--users=5"], "--users must be 200 to 1000000, not 5"),
        (["--days=5"], "--days must be 10 to 1000, not 5"),
        (["--nodes=5"], "--nodes must be 0 or 40 to 10000, not 5"),
        (["--processes=0"], "--processes must be at least 1, not 0"),
        (["--node=40"], "unrecognized arguments: --node=40"),
        (["--out=/proc/x"], "--out: cannot write into /proc/x"),
    ],
)
def test_a_mistake_is_one_sentence_at_once(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in refused("modes", tmp_path, *arguments)
