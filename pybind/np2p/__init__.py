"""np2p: networks of nostrp2p servers, simulated or real, as a researcher types them.

    net = np2p.Simulation(seed=7)            # or np2p.RealNetwork(seed=7): real processes, the same script
    alice, bob, *crowd = net.add_nodes(32)
    net.bootstrap(within=np2p.minutes(5))
    note = alice.post("hello")
    assert net.eventually(lambda: note in bob.timeline(), within=np2p.minutes(1))
"""

from . import faults, workload
from ._np2p import Key, Note, Policies
from ._np2p import decode_answer as decode_events  # the notes in a server's answer to POST /req
from .errors import Error, InvariantViolation, NotConverged, PublishRefused, Unsupported
from .faults import Fault
from .nat import Nat, SharedNat
from .network import Network
from .node import Node
from .realnet import RealNetwork
from .simulation import Simulation
from .units import days, hours, milliseconds, minutes, seconds

__all__ = [
    "Error",
    "Fault",
    "InvariantViolation",
    "Key",
    "Nat",
    "Network",
    "Node",
    "NotConverged",
    "Note",
    "Policies",
    "PublishRefused",
    "RealNetwork",
    "SharedNat",
    "Simulation",
    "Unsupported",
    "days",
    "decode_events",
    "faults",
    "hours",
    "milliseconds",
    "minutes",
    "seconds",
    "workload",
]
