"""The other world: real processes of the nostrp2p binary in namespaces of their own."""

from .real import RealNetwork

__all__ = ["RealNetwork"]
