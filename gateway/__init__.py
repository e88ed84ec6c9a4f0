"""Crossfade: the gateway that carries a public API from v1 to v2."""

__version__ = "0.1.0"
