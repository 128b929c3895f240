"""A first experiment, in cells (# %%) as Jupyter and editors know them: what if many servers lose their power at once?

One world is grown, and then has several futures: in each of them another share of the servers vanishes at the same moment,
without a word to the others, and we look at how many of these still get what is posted right afterwards, and how soon.

    ./dev python scenarios/experiments/examples/first_experiment.py --nodes=300 --out=out
"""

# %% What is varied, and where things go
from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import np2p
from np2p import minutes, seconds
from np2p.faults import Plan, PowerOff, at

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the look of this project's plots
import plotting as look  # noqa: E402

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--nodes", type=int, default=300, help="servers")
options.add_argument("--posts", type=int, default=20, help="posts afterwards, one a second")
options.add_argument("--seed", type=int, default=7)
options.add_argument("--out", type=Path, default=Path("out"))
asked = options.parse_args([] if "ipykernel" in sys.modules else None)
SHARES = (0.0, 0.1, 0.3, 0.5)  # of the servers lose their power

# %% Grow a world: once, this is what takes time
net = np2p.Simulation(seed=asked.seed)
net.add_nodes(asked.nodes, nat="mixed")
net.bootstrap(within=minutes(5))
net.run_for(minutes(3))
before = net.nodes[1].post("before")
net.run_for(seconds(30))
print(f"{net}: {100 * net.delivery_ratio(before):.1f} % got a post, links {len(net.overlay_graph())}")


# %% One future of it, as a function of a copy of the world
def blackout(world: np2p.Simulation, share: float) -> tuple[float, look.Array]:
    """The share of deliveries that were made, and the latencies of these, in seconds."""
    world.apply(Plan([at(seconds(1), PowerOff(share=share))] if share else []))
    world.run_for(seconds(2))
    alive = [node for node in world.nodes if node.online]
    notes = []
    for turn in range(asked.posts):
        notes.append(alive[turn * len(alive) // asked.posts].post(f"after, number {turn}"))
        world.run_for(seconds(1))
    world.run_for(minutes(2))
    arrived = float(np.mean([world.delivery_ratio(note) for note in notes]))
    return arrived, np.concatenate([world.deliveries(note)["latency_s"] for note in notes])


# %% All futures, beside each other; `net` itself stays as it is
futures = net.fork(*[partial(blackout, share=share) for share in SHARES])
for share, (arrived, latencies) in zip(SHARES, futures):
    half, late = np.percentile(latencies, [50, 99]) * 1000
    print(f"{100 * share:3.0f} % off: {100 * arrived:5.1f} % arrived, median {half:.0f} ms, p99 {late:.0f} ms")


# %% Look at it
def distribution(axes: Any) -> None:
    axes.set_title("Posts after a blackout")
    look.subtitle(axes, f"{asked.nodes:,} servers, seed {asked.seed}; share of deliveries that were made within a time")
    names = []
    for share, (arrived, latencies), colour in zip(SHARES, futures, look.SERIES):
        made = np.linspace(0, 100 * arrived, len(latencies))
        axes.plot(np.sort(latencies), made, color=colour)
        there = float(np.mean(latencies < 0.5)) * 100 * arrived  # named where the lines are apart
        names.append((min(0.5, float(latencies.max())), there, f"{100 * share:.0f} % off", colour))
    axes.set_xscale("log")
    axes.set_xticks([0.01, 0.1, 1, 10, 100], ["10 ms", "100 ms", "1 s", "10 s", "100 s"])
    axes.set_xlabel("time after the post")
    axes.set_ylabel("delivered, %")
    axes.set_ylim(0, 105)
    look.labels_at_end(axes, names)


asked.out.mkdir(parents=True, exist_ok=True)
look.save([distribution], asked.out / "first_experiment.png")
print(f"wrote {asked.out / 'first_experiment.png'}")
