"""Plans of faults: each one happens, when and to whom the plan says."""

from __future__ import annotations

import math
from typing import Any, Callable

import numpy as np
import pytest

import np2p
from np2p import days, hours, minutes, seconds
from np2p._np2p import Rng
from np2p.faults import (
    Action,
    ChangeAddress,
    Churn,
    ComeOnline,
    Crash,
    Diurnal,
    Exponential,
    GoOffline,
    Heal,
    Lifetime,
    LoseDisk,
    Loss,
    Partition,
    Plan,
    PowerOff,
    Rebind,
    Restart,
    Step,
    Weibull,
    at,
    between,
    every,
)


def town(size: int = 20, seed: int = 4) -> np2p.Simulation:
    net = np2p.Simulation(seed=seed)
    net.add_nodes(size)
    net.bootstrap(within=minutes(3))
    return net


def down(net: np2p.Network) -> set[int]:
    return {node.index for node in net.nodes if not net.is_running(node)}


def offline(net: np2p.Network) -> set[int]:
    return {node.index for node in net.nodes if not node.online}


def test_a_step_happens_when_it_says(net: np2p.Network) -> None:
    nodes = net.add_nodes(8)
    net.bootstrap(within=minutes(3))
    start = net.now
    net.apply(Plan([at(60, Crash(nodes[3])), at(90, PowerOff(nodes[4])), at(100.5, Restart())]))
    for until, expected in ((59, set()), (61, {3}), (89, {3}), (91, {3, 4}), (100.4, {3, 4}), (100.6, set())):
        net.run_for(start + until - net.now)
        assert down(net) == expected, until
    assert [(round(one.at - start, 6), one.nodes) for one in net.happened] == [(60, (3,)), (90, (4,)), (100.5, (3, 4))]


def test_times_count_from_when_the_plan_is_applied_and_a_plan_can_be_applied_again() -> None:
    net = town()
    plan = Plan([at(30, Crash(count=1)), at(60, Restart())])
    for _ in range(2):
        net.apply(plan)
        net.run_for(31)
        assert len(down(net)) == 1
        net.run_for(30)
        assert down(net) == set()
    first, second = (one.nodes for one in net.happened if "crash" in one.what)
    assert first != second, "drawn anew"


def test_every_repeats_until_the_end() -> None:
    net = town()
    net.apply(Plan([every(30, Crash(share=0.1, downtime=10), start=5, until=95)]))
    start = net.now
    net.run_for(minutes(5))
    crashes = [one for one in net.happened if "crash" in one.what]
    assert [round(one.at - start, 6) for one in crashes] == [5, 35, 65, 95]
    assert all(len(one.nodes) == 2 for one in crashes), "a tenth of 20"
    assert len({one.nodes for one in crashes}) > 1, "not always the same"
    back = [one for one in net.happened if one not in crashes]
    assert [round(one.at - start, 6) for one in back] == [15, 45, 75, 105] and down(net) == set()


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    def run(seed: int) -> tuple[list[Any], int]:
        net = town(seed=seed)
        session, downtime = Weibull.of_mean(minutes(4), shape=0.5), Exponential(30)
        net.apply(Plan([every(20, Crash(share=0.2, downtime=5), until=100), at(10, Churn(None, session, downtime))]))
        net.run_for(minutes(5))
        return net.happened, net.digest()

    assert run(4) == run(4)
    assert [one.nodes for one in run(4)[0]] != [one.nodes for one in run(5)[0]]


def test_what_is_added_to_a_plan_changes_no_draw_of_the_steps_before() -> None:
    def crashed(plan: Plan) -> list[tuple[int, ...]]:
        net = town()
        net.apply(plan)
        net.run_for(minutes(3))
        return [one.nodes for one in net.happened if "crash" in one.what]

    crashes = Plan([every(20, Crash(share=0.2, downtime=5), until=100)])
    assert crashed(crashes) == crashed(crashes + Plan([every(15, Rebind(share=0.5))]))


def test_a_share_cut_off_gets_nothing_until_it_heals() -> None:
    net = town()
    net.apply(Plan([at(10, Partition(share=0.3)), at(minutes(2), Heal())]))
    net.run_for(seconds(20))
    off = list(net.happened[0].nodes)
    inside = next(node for node in net.nodes if node.index not in off)
    assert len(off) == 6
    note = inside.post("who hears this?")
    net.run_for(minutes(1))
    assert net.delivery_ratio(note, to=[net.nodes[index] for index in off]) == 0.0
    assert net.delivery_ratio(note, to=[node for node in net.nodes if node.index not in off]) == 1.0
    assert net.eventually(lambda: net.delivery_ratio(note) == 1.0, within=minutes(15))


def test_loss_and_a_partition_hold_between_two_moments() -> None:
    net = town()
    net.run_for(minutes(2))
    east, west = net.nodes[:10], net.nodes[10:]
    net.apply(Plan([between(10, 40, Loss(0.5)), between(60, 90, Partition(east, west))]))

    def slowest() -> float:
        note = east[3].post("how long does it take?")
        net.run_for(seconds(15))
        rows = net.deliveries(note)
        return float(rows["latency_s"].max()) if len(rows) == 19 else math.inf

    usual = slowest()  # from 0: the loss begins when it is there
    lossy = slowest()  # from 15
    net.run_for(seconds(15))
    after = slowest()  # from 45
    cut = slowest()  # from 60
    net.run_for(seconds(16))
    assert usual < 1.0 and after < 1.0 and 2 * usual < lossy and cut == math.inf
    assert [one.what.startswith("end: ") for one in net.happened] == [False, True, False, True]
    assert net.eventually(lambda: slowest() < 1.0, within=minutes(10))


def test_to_heal_ends_loss_and_churn_and_the_plan_goes_on() -> None:
    def story(*cures: Action) -> Callable[[np2p.Simulation], tuple[set[int], set[int], int]]:
        def tell(net: np2p.Simulation) -> tuple[set[int], set[int], int]:
            bad = [at(0, Loss(0.3)), at(0, Churn(net.nodes[1:], Exponential(60), Exponential(hours(1))))]
            net.apply(Plan([*bad, *(at(60, cure) for cure in cures), at(600, Crash(net.nodes[0]))]))
            net.run_for(seconds(61))
            before = down(net)
            net.run_for(minutes(10))
            return before, down(net), net.digest()

        return tell

    (sick, sicker, _), (well, end, once), (_, _, twice) = town().fork(story(), story(Heal()), story(Heal(), Loss(0.0)))
    assert len(sick) > 5 and len(sicker) > 15 and well == set() and end == {0}
    assert once == twice, "no loss is left that could be ended"


def test_peers_see_a_crash_and_not_a_loss_of_power() -> None:
    def links(action: type[Crash] | type[PowerOff]) -> Callable[[np2p.Simulation], int]:
        def tell(net: np2p.Simulation) -> int:
            net.apply(action(net.nodes[0]))
            net.run_for(seconds(1))
            return sum(int(net.status(node)["links"]) for node in net.nodes[1:])

        return tell

    crashed, silent = town().fork(links(Crash), links(PowerOff))
    assert crashed < silent


def test_a_lost_disk_is_empty() -> None:
    net = town(8)
    note = net.nodes[2].post("only on disks")
    net.run_for(seconds(10))
    assert net.nodes[5].has(note) and net.nodes[6].has(note) and net.nodes[7].has(note)
    net.partition([net.nodes[5]], [net.nodes[6]], [net.nodes[7]], net.nodes[:5])  # nobody tells them again
    net.apply(LoseDisk(net.nodes[5]), LoseDisk(net.nodes[6], downtime=20), Crash(net.nodes[7], downtime=20))
    net.run_for(seconds(1))
    assert net.nodes[5].online and not net.nodes[5].has(note)
    assert down(net) == {6, 7}
    net.run_for(seconds(30))
    assert down(net) == set()
    assert not net.nodes[6].has(note) and net.nodes[7].has(note), "one lost its disk, one its process only"


def test_machines_lose_their_network_and_move() -> None:
    net = town()
    digest_of = {}
    for name, action in {"same": GoOffline(count=3, downtime=30), "new": ChangeAddress(count=3, downtime=30)}.items():

        def story(copy: np2p.Simulation) -> tuple[int, int, int]:
            copy.apply(action)
            away = offline(copy)
            assert down(copy) == set() and away == set(copy.happened[0].nodes)
            copy.run_for(seconds(31))
            back = offline(copy)
            copy.run_for(minutes(3))
            return len(away), len(back), copy.digest()

        away, back, digest_of[name] = net.fork(story)[0]
        assert (away, back) == (3, 0)
    assert digest_of["same"] != digest_of["new"], "another address is another story"
    net.apply(GoOffline(net.nodes[9]))
    assert offline(net) == {9}
    net.apply(GoOffline(net.nodes[9]), ComeOnline(new_address=True), ChangeAddress(net.nodes[9]))
    assert offline(net) == set(), "who is offline already is left alone"


def test_nats_rebind() -> None:
    net = town(8)
    still, hit = net.fork(story_of(None), story_of(Rebind(share=1.0)))
    behind = tuple(node.index for node in net.nodes if node.nat is not None)
    assert hit[1] == behind and len(behind) > 2
    assert hit[0] != still[0], "links are lost and made again"


def story_of(action: Any) -> Callable[[np2p.Simulation], tuple[int, tuple[int, ...]]]:
    def story(net: np2p.Simulation) -> tuple[int, tuple[int, ...]]:
        if action is not None:
            net.apply(action)
        net.run_for(minutes(3))
        return net.digest(), net.happened[0].nodes if net.happened else ()

    return story


def test_healing_ends_churn_and_what_is_left_of_plans() -> None:
    net = town()
    churn = Churn(net.nodes[1:], Exponential(minutes(2)), Exponential(minutes(2)))
    net.apply(Plan([at(0, churn), every(60, Crash(count=1))]))
    net.run_for(minutes(5))
    assert len(down(net)) >= 5
    taken = {one.nodes[0] for one in net.happened if one.what == "churn: crash"}
    assert len(taken) >= 10 and 0 not in taken
    net.heal()
    happened = len(net.happened)
    last = {index: one.what for one in net.happened for index in one.nodes}
    assert all(last[index].startswith("crash 1 of the servers") for index in down(net)), "what churn took down is back"
    net.run_for(minutes(10))
    assert len(net.happened) == happened, "nothing more"


def test_churn_between_two_moments_brings_everybody_back() -> None:
    net = town()
    net.apply(Plan([between(10, 300, Churn(session=Exponential(minutes(2)), downtime=Exponential(minutes(1))))]))
    net.run_for(seconds(299))
    assert len(down(net)) >= 3
    net.run_for(seconds(2))
    assert down(net) == set()


@pytest.mark.parametrize("session", (Exponential(hours(1)), Weibull.of_mean(hours(1), shape=0.4)), ids=str)
def test_a_network_churns_from_the_beginning_as_it_will_go_on(session: Lifetime) -> None:
    """Of 1,000 who are there, in the first minutes and an hour later as many leave, if who leaves comes back at once."""
    first: list[int] = []
    for index in range(1000):
        rng = Rng(6, "renewal", index)
        moment = session.first(rng, 0.0)
        while moment < hours(2):
            first.append(int(moment // minutes(30)))
            moment += session.draw(rng, moment)
    counts = np.bincount(first, minlength=4)
    assert np.all(np.abs(counts - 500) < 110), counts  # 500 each; a burst at the beginning would be several times that


def draws(lifetime: Lifetime, count: int = 20_000, now: float = 0.0) -> Any:
    rng = Rng(9, "draws")
    return np.array([lifetime.draw(rng, now) for _ in range(count)])


@pytest.mark.parametrize("shape", (0.4, 0.5, 1.0, 2.0))
def test_weibull_is_weibull(shape: float) -> None:
    lifetime = Weibull(shape, 100.0)
    found = draws(lifetime)
    for part in (0.1, 0.5, 0.9, 0.99):
        expected = 100.0 * (-math.log(1 - part)) ** (1 / shape)
        assert np.mean(found <= expected) == pytest.approx(part, abs=0.012)
    assert lifetime.mean == pytest.approx(100.0 * math.gamma(1 + 1 / shape))
    assert found.mean() == pytest.approx(lifetime.mean, rel=0.06)
    # What is left of a session that is met: E[X^2] / 2 E[X].
    rng = Rng(9, "left")
    left = np.array([lifetime.first(rng, 0.0) for _ in range(20_000)])
    assert left.mean() == pytest.approx(100.0**2 * math.gamma(1 + 2 / shape) / (2 * lifetime.mean), rel=0.08)


def test_exponential_is_exponential_and_has_no_memory() -> None:
    found = draws(Exponential(60.0))
    assert found.mean() == pytest.approx(60, rel=0.03) and np.median(found) == pytest.approx(60 * math.log(2), rel=0.03)
    assert Exponential(60.0).first(Rng(1, "x"), 0.0) == Exponential(60.0).draw(Rng(1, "x"), 0.0)


def test_diurnal_has_its_peak_and_its_trough() -> None:
    """Departures of one who is always back at once, in 1,000 days, by the hour."""
    lifetime, rng, moment = Diurnal(hours(1), swing=0.8, peak=hours(21)), Rng(9, "days"), 0.0
    by_hour = np.zeros(24)
    while moment < days(1000):
        moment += lifetime.draw(rng, moment)
        by_hour[int(moment % days(1) // hours(1))] += 1
    expected = 1000 * (1 + 0.8 * np.cos(2 * np.pi * (np.arange(24) + 0.5 - 21) / 24))
    assert np.all(np.abs(by_hour - expected) < 5 * np.sqrt(expected) + 10)
    assert draws(Diurnal(60.0, swing=0.0)).mean() == pytest.approx(60, rel=0.03)


def test_diurnal_churn_empties_the_network_at_night() -> None:
    net = np2p.Simulation(seed=2)
    net.add_nodes(24, nat="none")
    session, downtime = Diurnal(hours(3), swing=1.0, peak=hours(3)), Diurnal(hours(3), swing=1.0, peak=hours(15))
    net.apply(Churn(session=session, downtime=downtime))
    alive = []
    for _ in range(44):
        net.run_for(hours(1))
        alive.append(24 - len(down(net)))
    assert min(alive[28:34]) < 8 and max(alive[38:44]) > 16, alive


def test_a_plan_is_printed_as_a_table() -> None:
    plan = Plan(
        [
            every(30, Crash(share=0.1, downtime=60), until=600),
            at(60, Partition(share=0.3)),
            Plan([at(90, Heal())]),
            between(minutes(12), hours(2), Loss(0.05)),
            every(hours(1), Rebind(count=2), start=0),
        ]
    )
    assert str(plan).splitlines() == [
        "when                                what",
        "0 s, then every 1 h                 rebind the NATs of 2 of those behind one",
        "30 s, then every 30 s, until 600 s  crash 10 % of the servers that run, for 60 s",
        "60 s                                cut 30 % of all nodes off from the others",
        "90 s                                heal: partitions, loss and churn end",
        "720 s to 2 h                        lose 5 % of all packets",
    ]


def test_actions_say_whom_they_are_about() -> None:
    nodes = np2p.Simulation(seed=1).add_nodes(8)
    said: list[tuple[Action, str]] = [
        (Crash(nodes[2]), "crash node 2"),
        (PowerOff(nodes[2:4], downtime=5), "power off nodes 2, 3, for 5 s"),
        (LoseDisk(nodes[1:], share=0.5, downtime=90), "empty the disks of 50 % of 7 nodes, which are off for 90 s"),
        (LoseDisk(nodes[1]), "empty the disks of node 1"),
        (Restart(lose_disk=True), "start the servers that are down with empty disks"),
        (GoOffline(count=2), "take offline 2 of the machines that are online"),
        (ComeOnline(new_address=True), "bring online the machines that are offline at new addresses"),
        (ChangeAddress(nodes[4], downtime=7), "move node 4 to new addresses, offline for 7 s in between"),
        (Partition(nodes[:1], nodes[1:]), "cut from each other: node 0 | 7 nodes"),
        (
            Churn(nodes, Diurnal(60, peak=hours(3))),
            "churn 8 nodes (up: diurnal, mean 60 s, ±80 %, peak at 3 h; down: exponential, mean 60 s)",
        ),
    ]
    assert [str(action) for action, _ in said] == [words for _, words in said]


def test_plans_are_composed() -> None:
    one, other = Plan([at(10, Heal())]), Plan([every(5, Crash(count=1), until=20)])
    assert list(one + other) == [at(10, Heal()), every(5, Crash(count=1), until=20)] and one + other == Plan(
        [one, other]
    )
    assert one.delayed(5) == Plan([at(15, Heal())]) and one == Plan([at(10, Heal())]) != other
    assert other.delayed(10) == Plan([every(5, Crash(count=1), start=15, until=30)])
    assert (one + other).duration == 20 and Plan([every(5, Heal())]).duration == math.inf and Plan([]).duration == 0


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: at(-1, Heal()), ValueError, "^time must be zero or more seconds"),
    (lambda: at("x", Heal()), TypeError, "^time"),  # type: ignore[arg-type]
    (lambda: at(1, Crash), TypeError, "^action must be a fault"),  # type: ignore[arg-type]
    (lambda: every(0, Heal()), ValueError, "^period"),
    (lambda: every(30, Heal(), until=20), ValueError, "^until must be at least 30 seconds, .* not 20"),
    (lambda: every(30, Heal(), start=-1), ValueError, "^start"),
    (lambda: between(5, 5, Loss(0.1)), ValueError, "^until must be more than start, which is 5 seconds, not 5"),
    (lambda: between(1, 5, Crash(count=1)), ValueError, "^action must be one that lasts: .* not Crash .*downtime="),
    (lambda: Plan([3]), TypeError, r"^steps must be made with at\(\), .* int"),  # type: ignore[list-item]
    (lambda: Plan([]).delayed(-1), ValueError, "^seconds"),
    (lambda: Crash(), ValueError, r"^nodes, share or count must be given: Crash\(share=1.0\)"),
    (lambda: Crash(share=1.5), ValueError, "^share must be from 0 to 1, not 1.5"),
    (lambda: Crash(share=0.5, count=1), ValueError, "^share and count must not both"),
    (lambda: Crash(count=0), ValueError, "^count must be at least 1"),
    (lambda: Crash(share=0.5, downtime=-1), ValueError, "^downtime"),
    (lambda: Crash(["a"]), TypeError, "^nodes must hold only Node"),  # type: ignore[list-item]
    (lambda: Restart(lose_disk=1), TypeError, "^lose_disk"),  # type: ignore[arg-type]
    (lambda: ComeOnline(new_address=1), TypeError, "^new_address"),  # type: ignore[arg-type]
    (lambda: Loss(1.0), ValueError, "^probability"),
    (lambda: Partition(), ValueError, "^groups or share must be given"),
    (lambda: Partition([]), ValueError, "^groups must be at least two"),
    (lambda: Partition([], [], share=0.5), ValueError, "^groups or share"),
    (lambda: Partition(share=2), ValueError, "^share"),
    (lambda: Churn(), TypeError, "^session must be Exponential, Weibull or Diurnal, not NoneType"),
    (lambda: Churn(session=60.0), TypeError, "^session"),  # type: ignore[arg-type]
    (lambda: Churn(session=Exponential(1), downtime=60), TypeError, "^downtime"),  # type: ignore[arg-type]
    (lambda: Exponential(0), ValueError, "^mean must be more than zero"),
    (lambda: Weibull(0.05, 60), ValueError, "^shape must be from 0.1 to 10, not 0.05"),
    (lambda: Weibull(0.5, 0), ValueError, "^scale"),
    (lambda: Weibull.of_mean(0, shape=0.5), ValueError, "^mean"),
    (lambda: Diurnal(60, swing=1.1), ValueError, "^swing"),
    (lambda: Diurnal(60, peak=days(2)), ValueError, "^peak must be at most 86400 seconds"),
    (lambda: np2p.Simulation().apply(Step), TypeError, r"^faults must be of np2p\.faults"),  # type: ignore[arg-type]
    (lambda: np2p.Simulation().apply(at(1, Crash(town(2).nodes))), TypeError, "^faults"),  # type: ignore[arg-type]
    (lambda: np2p.Simulation().apply(Plan([at(1, Crash(town(2).nodes))])), ValueError, "^nodes must be .*another"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_a_wrong_field_is_named(case: int) -> None:
    call, kind, names = WRONG[case]
    with pytest.raises(kind, match=names):
        call()
