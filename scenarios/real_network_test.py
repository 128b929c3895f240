"""RealNetwork for somebody who has nothing but an ordinary account."""

from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import np2p
with np2p.RealNetwork(seed=1) as net:
    (alice,) = net.add_nodes(1, nat="full_cone")
    note = alice.post("hello")
    assert alice.has(note)
    assert np2p.decode_events(net._request(alice, "POST", "/req", b'{"kinds":[1]}')[1]) == [note]
print("it works")
"""


def test_the_path_of_an_ordinary_user_is_enough() -> None:
    import np2p

    module = os.path.dirname(os.path.dirname(os.path.abspath(np2p.__file__)))
    environment = {**os.environ, "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": module}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.stdout == "it works\n", done.stderr
