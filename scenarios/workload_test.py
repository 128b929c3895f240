"""The populations of experiments: relations as people have them, text as people write it, the same for a seed."""

from __future__ import annotations

import pytest

import np2p
from np2p.workload import Habits, TextGenerator, follow_graph


@pytest.mark.parametrize("source", ["epinions", "nostr", "generated"])
@pytest.mark.parametrize("n", [8, 16, 64, 256, 2000])
def test_the_mean_number_of_follows_is_the_same_at_every_size(n: int, source: str) -> None:
    graph = follow_graph(n, 5, source=source)
    assert len(graph) == n
    assert graph.mean == pytest.approx(4.0, abs=0.5 / n)
    for user, follows in enumerate(graph):
        assert user not in follows and all(0 <= other < n for other in follows)
        assert follows == sorted(set(follows))


def test_real_relations_are_heavy_tailed_and_mutual() -> None:
    graph = follow_graph(1000, 3)
    assert graph.follower_counts().max() > 15 * graph.mean
    assert 0.25 < graph.reciprocity < 0.6
    assert follow_graph(2000, 3, source="generated").reciprocity == pytest.approx(0.22, abs=0.05)


def test_the_seed_decides() -> None:
    assert list(follow_graph(64, 1)) == list(follow_graph(64, 1))
    assert list(follow_graph(64, 1)) != list(follow_graph(64, 2))
    one, same, other = TextGenerator(1), TextGenerator(1), TextGenerator(2)
    posts = [one.post() for _ in range(50)]
    assert posts == [same.post() for _ in range(50)]
    assert posts != [other.post() for _ in range(50)]


def test_posts_look_like_posts() -> None:
    text = TextGenerator(4)
    sizes = sorted(len(text.post().encode()) for _ in range(2000))
    assert 80 <= sizes[1000] <= 250, "half of them are a line or two"
    assert 1000 <= sizes[-1] <= 12000, "a few are essays"


@pytest.mark.overlays("hyparview", "mesh")
def test_a_population_lives_for_a_while(net: np2p.Network) -> None:
    nodes = net.add_nodes(8)
    net.bootstrap(within=np2p.minutes(3))
    follow_graph(8, net.seed).apply(nodes)
    started = net.now
    done = np2p.workload.run(
        net, posts_per_day=720, duration=np2p.minutes(10), habits=Habits(replies=20, reactions=20, reposts=10)
    )
    assert net.now == pytest.approx(started + 600)
    assert 15 <= len(done.everything) <= 80, "8 users, 5 turns each, more or less"
    assert done.posts and done.replies and done.reactions
    net.run_for(np2p.seconds(20))
    assert all(net.delivery_ratio(note) == 1.0 for note in done.posts)
