"""Finds the module np2p (as built by ./dev build, unless it is on the path already) and its pytest plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BUILT = Path(__file__).resolve().parent.parent / "build" / "release" / "python"
if BUILT.is_dir():
    sys.path.insert(0, str(BUILT))

try:
    import np2p  # noqa: F401
except ImportError as problem:
    raise pytest.UsageError(
        f"the module np2p is not there ({problem}): build it with ./dev build, and run pytest with Debian's Python "
        f"(/usr/bin/python3, this is {sys.executable}) or through ./dev pytest"
    ) from None

# By its name, so that pytest takes it once even if `-p np2p.pytest_plugin` named it already.
pytest_plugins = ("np2p.pytest_plugin",)
