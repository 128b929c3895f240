"""A wrong argument is refused at once, by name."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import pytest

import np2p
from np2p import Fault, Nat


@pytest.fixture
def pair() -> list[np2p.Node]:
    net = np2p.Simulation(seed=1)
    return net.add_nodes(2, nat="none")


def twice(call: Callable[[], None]) -> None:
    call()
    call()


WRONG: list[tuple[Callable[[np2p.Node, np2p.Node], Any], type[Exception], str]] = [
    (lambda a, b: np2p.Simulation(seed="x"), TypeError, "seed"),  # type: ignore[arg-type]
    (lambda a, b: np2p.Simulation(seed=-1), ValueError, "seed"),
    (lambda a, b: np2p.Simulation(threads=0), ValueError, "threads"),
    (lambda a, b: np2p.Simulation(threads=2), ValueError, "threads.*later"),
    (lambda a, b: a.network.add_nodes(-1), ValueError, "n must"),
    (lambda a, b: a.network.add_nodes(0), ValueError, "n must be at least 1, not 0"),
    (lambda a, b: a.network.add_nodes(2.5), TypeError, "n must"),  # type: ignore[arg-type]
    (lambda a, b: a.network.add_nodes(2, nat="cone"), ValueError, "nat.*full_cone"),
    (lambda a, b: a.network.add_nodes(2, nat=["none"]), ValueError, "nat.*2 nodes"),
    (lambda a, b: a.network.add_nodes(2, overlay="ring"), ValueError, "overlay.*'hyparview', 'mesh'"),
    (lambda a, b: a.network.add_nodes(2, mode="shout"), ValueError, "mode.*'broadcast'"),
    (lambda a, b: a.network.add_nodes(2, speed=3), TypeError, "speed"),
    (
        lambda a, b: a.network.add_nodes(2, modus="auto"),
        TypeError,
        r"^modus .*did you mean mode\?.*: nat, overlay, mode, ",
    ),
    (lambda a, b: np2p.Simulation(mode="auto"), TypeError, r"^mode is a setting of nodes, .* give it to add_nodes\(\)"),
    (
        lambda a, b: np2p.Simulation(uplink=1e6),
        TypeError,
        r"^uplink is a setting of nodes, .* give it to add_nodes\(\)",
    ),
    (lambda a, b: np2p.Simulation(sead=7), TypeError, r"^sead is not .* Simulation\(\) \(did you mean seed\?\).* memo"),
    (lambda a, b: np2p.RealNetwork(mode="auto"), TypeError, r"^mode is a setting of nodes, not of RealNetwork\(\)"),
    (
        lambda a, b: np2p.Simulation().traffic()["bytes"],
        ValueError,
        "^there is no column 'bytes'.*: node, bytes_in, .*relay_out",
    ),
    (lambda a, b: a.network.add_nodes(2, overlay="mesh"), ValueError, "^overlay must be 'hyparview'.*'mesh'.*link up"),
    (lambda a, b: np2p.Simulation(overlay="ring"), ValueError, "^overlay.*'hyparview', 'mesh'"),
    (lambda a, b: np2p.Simulation(base_delay=0), ValueError, "^base_delay must be at least 0.001 s"),
    (lambda a, b: np2p.Simulation(jitter=-1), ValueError, "^jitter"),
    (lambda a, b: np2p.Simulation(plane=60), ValueError, "^plane must be at most 10 s"),
    (lambda a, b: a.network.add_nodes(2, active=0), ValueError, "^active must be from 1 to 64, not 0$"),
    (lambda a, b: a.network.add_nodes(2, active_reachable=1.5), TypeError, "^active_reachable must be an int"),
    (lambda a, b: a.network.add_nodes(2, arwl=4, prwl=5), ValueError, "^prwl must be at most arwl, which is 4, not 5$"),
    (lambda a, b: a.network.add_nodes(2, shuffle_every=1), ValueError, "^shuffle_every must be at least 5 s"),
    (lambda a, b: a.network.add_nodes(2, nearer_every="x"), TypeError, "^nearer_every"),
    (lambda a, b: a.network.add_nodes(2, trees=64), ValueError, "^trees must be from 0 to 63, not 64$"),
    (lambda a, b: a.network.add_nodes(2, eager_links=1), TypeError, "^eager_links must be True or False"),
    (lambda a, b: np2p.Simulation().add_nodes(2, external="x"), TypeError, "^external must be True or False"),
    (lambda a, b: np2p.Simulation().overlay_graph(active=1), TypeError, "^active must be True or False"),  # type: ignore[arg-type]
    (
        lambda a, b: np2p.Simulation(overlay="mesh").add_nodes(2, passive=9),
        ValueError,
        "^passive must not be given with overlay='mesh'",
    ),
    (lambda a, b: a.network.add_nodes(2, behaviour="rude"), ValueError, "^behaviour must be one of.*'lying_directory'"),
    (
        lambda a, b: np2p.Simulation(overlay="mesh").add_nodes(2, behaviour="dropping_relay"),
        ValueError,
        "^behaviour must not be given with overlay='mesh'",
    ),
    (lambda a, b: a.network.add_nodes(2, keep_events=10), ValueError, "^keep_events must be"),
    (lambda a, b: a.network.add_nodes(2, mode="loud"), ValueError, "mode must be one of .*broadcast.*multicast.*auto"),
    (lambda a, b: a.network.add_nodes(2, broadcast_budget=50), ValueError, "broadcast_budget .*only 'auto'"),
    (lambda a, b: a.network.add_nodes(2, mode="auto", broadcast_budget=0), ValueError, "broadcast_budget must be"),
    (lambda a, b: Nat(mapping="odd"), ValueError, "mapping"),
    (lambda a, b: Nat(mapping_timeout=0), ValueError, "mapping_timeout"),
    (lambda a, b: a.network.run_for(-1), ValueError, "duration"),
    (lambda a, b: a.network.run_for(float("nan")), ValueError, "duration"),
    (lambda a, b: a.network.run_for("1 s"), TypeError, "duration"),  # type: ignore[arg-type]
    (lambda a, b: a.network.eventually(True, within=1), TypeError, "condition"),  # type: ignore[arg-type]
    (lambda a, b: a.network.partition([a]), ValueError, "groups"),
    (lambda a, b: a.network.partition([a], [a, b]), ValueError, "groups.*node 0"),
    (lambda a, b: a.network.apply("loss"), TypeError, "faults"),  # type: ignore[arg-type]
    (lambda a, b: Fault.loss(1.5), ValueError, "probability"),
    (lambda a, b: Fault.loss(1.0), ValueError, "probability.*everything"),
    (lambda a, b: Fault.loss(0.9999999), ValueError, "probability"),
    (lambda a, b: a.come_online(), ValueError, r"^come_online\(\): node 0 is online"),
    (lambda a, b: twice(a.go_offline), ValueError, r"^go_offline\(\): node 0 is offline"),
    (lambda a, b: a.key.sign(70000, 0, [], ""), ValueError, "^kind must be from 0 to 65535, not 70000$"),
    (lambda a, b: a.key.sign(-1, 0, [], ""), ValueError, "^kind"),
    (lambda a, b: a.key.sign(1, 2**70, [], ""), ValueError, f"^created_at must .* not {2**70}$"),
    (lambda a, b: a.key.sign(1, -1, [], ""), ValueError, "^created_at"),
    (lambda a, b: Fault.churn([a], half_life=0), ValueError, "half_life"),
    (lambda a, b: Fault.churn(["a"], half_life=1), TypeError, "nodes"),  # type: ignore[list-item]
    (lambda a, b: a.post(7), TypeError, "content"),  # type: ignore[arg-type]
    (lambda a, b: a.post("\ud800"), ValueError, "content"),
    (lambda a, b: a.post("hi", mentions=["bob"]), TypeError, "mentions"),  # type: ignore[list-item]
    (lambda a, b: a.reply("id", "hi"), TypeError, "note"),  # type: ignore[arg-type]
    (lambda a, b: a.follow(), TypeError, "users"),
    (lambda a, b: a.follow(a), ValueError, "users"),
    (lambda a, b: a.unfollow(b), ValueError, "users"),
    (lambda a, b: a.publish(70000, "x"), ValueError, "kind"),
    (lambda a, b: a.timeline(limit=-1), ValueError, "limit"),
    (lambda a, b: a.set_profile(), TypeError, "set_profile"),
    (lambda a, b: a.network.deliveries("x"), TypeError, "note"),  # type: ignore[arg-type]
    (lambda a, b: np2p.workload.follow_graph(1, 1), ValueError, "n must"),
    (lambda a, b: np2p.workload.follow_graph(50_000, 1), ValueError, "generated"),
    (lambda a, b: np2p.workload.run(a.network, posts_per_day=0, duration=1), ValueError, "posts_per_day"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_a_wrong_argument_is_named(pair: list[np2p.Node], case: int) -> None:
    call, kind, names = WRONG[case]
    with pytest.raises(kind, match=names):
        call(*pair)


def test_the_heaviest_loss_there_is_is_taken(pair: list[np2p.Node]) -> None:
    pair[0].network.apply(Fault.loss(0.999999))
    pair[0].network.run_for(1.0)


def test_a_node_of_another_network_is_refused(pair: list[np2p.Node]) -> None:
    (stranger,) = np2p.Simulation(seed=2).add_nodes(1)
    with pytest.raises(ValueError, match="users.*another"):
        pair[0].follow(stranger)


def test_nobody_to_deliver_to_is_an_error(pair: list[np2p.Node]) -> None:
    alice, bob = pair
    note = alice.post("hello")
    with pytest.raises(ValueError, match=r"node 0, who posted this, had no followers online then \(0/0\)"):
        alice.network.delivery_ratio(note, to="followers")
    with pytest.raises(ValueError, match=r"^to must not be empty: .*\(0/0\)"):
        alice.network.delivery_ratio(note, to=[alice])
    carol = alice.network.add_node(mode="multicast")
    with pytest.raises(
        ValueError, match=r"^nobody should have the note: node 2, .* had no followers online then \(0/0\)"
    ):
        alice.network.delivery_ratio(carol.post("to my followers"))
    bob.crash()
    carol.crash()
    with pytest.raises(ValueError, match=r"nobody but node 0, who posted this, was online then \(0/0\)"):
        alice.network.delivery_ratio(alice.post("anybody?"))
    carol.restart()
    with pytest.raises(ValueError, match="an event of kind 3 was for nobody"):
        alice.network.delivery_ratio(alice.follow(bob))


def test_nobody_answers_what_is_of_another_network(pair: list[np2p.Node]) -> None:
    alice, _ = pair
    note = np2p.Simulation(seed=2).add_node().post("elsewhere")
    answers: list[Callable[[], Any]] = [
        lambda: alice.react(note),
        lambda: alice.repost(note),
        lambda: alice.reply(note, "hi"),
        lambda: alice.quote(note, "see"),
    ]
    for answer in answers:
        with pytest.raises(ValueError, match="note must have been published in this network"):
            answer()


def test_a_column_of_a_table_is_a_plain_array(pair: list[np2p.Node]) -> None:
    rows = pair[0].network.traffic()
    assert rows.dtype.names[:2] == ("node", "bytes_in") and type(rows["node"]) is np.ndarray
    assert rows["node"].tolist() == [0, 1] and rows[1]["node"] == 1 and len(rows[["node", "bytes_in"]]) == 2
    assert type(rows[rows["node"] == 1]["bytes_out"]) is np.ndarray


def test_a_secret_key_is_taken_as_hex_or_nsec() -> None:
    key = np2p.Key.from_seed(1, 2)
    assert np2p.Key.from_secret(key.nsec).public_key == key.public_key
    for wrong in (key.nsec[:-1] + ("q" if key.nsec[-1] != "q" else "p"), "nsec1", "7" * 63):
        with pytest.raises(ValueError, match="secret"):
            np2p.Key.from_secret(wrong)
