"""Scenarios under pytest: the fixture `net`, the choice of world and seeds, and a failure that replays with one line.

    @pytest.mark.both                             the scenario means the same in either world
    @pytest.mark.overlays("hyparview", "mesh")    which overlays it is about; unmarked: the default one
    @pytest.mark.seeds(per_commit=5, nightly=200)   how many seeds are worth trying
    @pytest.mark.untraced                         days and weeks of it would be too large a trace

Without --net a scenario runs in the simulator, and those marked `both` on real servers too. After each scenario the
safety invariants are checked (net.check()).

The plugin is loaded by scenarios/conftest.py, and for scenarios that lie elsewhere by `pytest -p np2p.pytest_plugin`
(`./dev pytest` does). Traces go to build/traces/ below the root, or to $NP2P_TRACES.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any, Iterator

import pytest

from .errors import InvariantViolation
from .network import Network
from .realnet import RealNetwork
from .settings import OVERLAYS
from .simulation import Simulation

_failures: list[list[str]] = []  # of this run: why, how to replay it, and where its trace is


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("np2p", "scenarios of nostrp2p")
    group.addoption(
        "--net", choices=("sim", "real"), help="only this world (default: sim; scenarios marked `both` in both)"
    )
    group.addoption("--overlay", choices=OVERLAYS, help="only this overlay, for the scenarios that are about it")
    group.addoption("--seed", type=int, metavar="N", help="exactly this seed")
    group.addoption("--seeds", type=int, metavar="K", help="the seeds 1 to K for every scenario")
    group.addoption("--nightly", action="store_true", help="as many seeds as the scenarios' nightly= asks for")
    group.addoption("--no-trace", action="store_true", help="do not write traces (a failed scenario keeps its trace)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seeds(per_commit=1, nightly=1): how many seeds a scenario is tried with")
    config.addinivalue_line("markers", "both: the scenario runs in the simulator and on real servers")
    config.addinivalue_line("markers", "untraced: the scenario is too long to write a trace of it")
    config.addinivalue_line("markers", "overlays(*names): which overlays the scenario runs on, by default hyparview")
    for option in ("seed", "seeds"):
        value = config.getoption(option)
        if value is not None and value < (0 if option == "seed" else 1):
            raise pytest.UsageError(f"--{option} must not be {value}")


def pytest_report_header(config: pytest.Config) -> str:
    seed, seeds = config.getoption("seed"), config.getoption("seeds")
    chosen = f"seed {seed}" if seed is not None else f"seeds 1 to {seeds}" if seeds else "each scenario's own seeds"
    return f"np2p: world {config.getoption('net') or 'sim, and real where marked'}, {chosen}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "net" not in metafunc.fixturenames:
        return
    config = metafunc.config
    chosen = config.getoption("net")
    both = metafunc.definition.get_closest_marker("both") is not None
    worlds = [world for world in ("sim", "real") if chosen in (None, world) and (world == "sim" or both)]
    overlays = [one for one in _overlays(metafunc) if config.getoption("overlay") in (None, one)]
    cases = [(world, one, seed) for world in worlds for one in overlays for seed in _seeds(metafunc, world)]
    metafunc.parametrize("net", cases, indirect=True, ids=[f"{world}-{one}-seed{seed}" for world, one, seed in cases])


def _overlays(metafunc: pytest.Metafunc) -> list[str]:
    marker = metafunc.definition.get_closest_marker("overlays")
    chosen = list(marker.args) if marker else [OVERLAYS[0]]
    for one in chosen:
        if one not in OVERLAYS:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: no overlay {one!r}")
    return chosen


def _seeds(metafunc: pytest.Metafunc, world: str) -> list[int]:
    config = metafunc.config
    if config.getoption("seed") is not None:
        return [config.getoption("seed")]
    if config.getoption("seeds"):
        return list(range(1, config.getoption("seeds") + 1))
    marker = metafunc.definition.get_closest_marker("seeds")
    asked = {"per_commit": 1, "nightly": 1, **(marker.kwargs if marker else {})}
    if world == "real":
        return [1]
    return list(range(1, asked["nightly" if config.getoption("nightly") else "per_commit"] + 1))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Scenarios that cannot run in the chosen world or overlay are not collected (an empty choice is no skipped test)."""
    left = [item for item in items if "NOTSET" not in item.name and "net0" not in item.name]
    out = [item for item in items if item not in left]
    config.stash[_LEFT_OUT] = out
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = left


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Why scenarios were left out."""
    out: list[pytest.Item] = config.stash.get(_LEFT_OUT, [])
    unmarked = [item for item in out if item.get_closest_marker("both") is None]
    if config.getoption("net") != "real":
        unmarked = []
    elsewhere = len(out) - len(unmarked)
    lines = []
    if unmarked:
        lines.append(
            f"np2p: {_scenarios(len(unmarked))} not marked `both`: it takes @pytest.mark.both to run on --net=real"
        )
    if elsewhere:
        lines.append(f"np2p: {_scenarios(elsewhere)} not about --overlay={config.getoption('overlay')}")
    return lines


def _scenarios(count: int) -> str:
    return "1 scenario is" if count == 1 else f"{count} scenarios are"


@pytest.fixture
def net(request: pytest.FixtureRequest) -> Iterator[Network]:
    """An empty network of the chosen world and seed."""
    world, overlay, seed = request.param
    trace = _trace_path(request, world, overlay, seed)
    made: Network
    if world == "sim":
        untraced = request.config.getoption("no_trace") or request.node.get_closest_marker("untraced") is not None
        written = "" if untraced else str(trace)
        made = Simulation(seed=seed, overlay=overlay, trace=written)
    else:
        made = RealNetwork(seed=seed, overlay=overlay)
    request.node.stash[_NETWORK] = made
    request.node.stash[_TRACE] = trace
    try:
        yield made
        if not request.node.stash.get(_FAILED, False):
            made.check()
    finally:
        if isinstance(made, RealNetwork) and request.node.stash.get(_FAILED, False):
            shutil.copytree(made.directory, trace, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data"))
        made.close()


_LEFT_OUT = pytest.StashKey[list[pytest.Item]]()
_NETWORK = pytest.StashKey[Network]()
_TRACE = pytest.StashKey[Path]()
_FAILED = pytest.StashKey[bool]()


def _trace_path(request: pytest.FixtureRequest, world: str, overlay: str, seed: int) -> Path:
    directory = Path(os.environ.get("NP2P_TRACES") or request.config.rootpath / "build" / "traces")
    directory.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", request.node.nodeid.split("[")[0])
    return directory / f"{name}-{world}-{overlay}-seed{seed}{'.jsonl' if world == 'sim' else ''}"


@pytest.hookimpl(hookwrapper=True)  # type: ignore[misc]
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    network = item.stash.get(_NETWORK, None)
    if network is None:
        return
    if report.failed:
        item.stash[_FAILED] = True
        _failures.append(_how_to_replay(item, network, call))
    elif report.when == "teardown" and not item.stash.get(_FAILED, False):
        trace = item.stash[_TRACE]
        if trace.is_file():
            trace.unlink()
    if report.when == "teardown":
        del item.stash[_NETWORK]  # a network holds memory and an open trace; there may be thousands of scenarios


def _how_to_replay(item: pytest.Item, network: Network, call: pytest.CallInfo[Any]) -> list[str]:
    world = network.kind
    why = str(call.excinfo.value).strip() if call.excinfo is not None else ""
    kind = call.excinfo.typename if call.excinfo is not None else "failure"
    first = why.splitlines()[0] if why else "no message"
    if call.excinfo is not None and call.excinfo.errisinstance(InvariantViolation):
        kind = "a safety invariant broke"
    trace = item.stash[_TRACE]
    overlay = f" --overlay={network.overlay}" if item.get_closest_marker("overlays") is not None else ""
    name = item.nodeid.split("[")[0].partition("::")[2]
    file = os.path.relpath(item.path, item.config.invocation_params.dir)
    lines = [
        f"why: {kind}: {first}",
        f"{os.environ.get('NP2P_DEV', './dev')} pytest {file}::{name} --net={world}{overlay} --seed={network.seed}",
    ]
    if isinstance(network, Simulation):
        lines.append(f"digest: {network.digest():016x}")
    lines.append(f"trace: {trace}" if world == "real" or trace.exists() else "trace: none")
    return lines


def pytest_unconfigure(config: pytest.Config) -> None:
    """The very last lines of a failed run: each failure once, with the command that replays it on a line of its own."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        for number, lines in enumerate(_failures):
            if number == 10:
                reporter.write_line(f"and {len(_failures) - 10} more:")
            for line in lines if number < 10 else lines[1:2]:
                reporter.write_line(line)
    _failures.clear()
