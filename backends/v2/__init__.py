"""v2, the new API: a thin HTTP shell over the domain, one file an area. It holds shapes and statuses, never a rule."""

from backends.v2.app import build, serve

__all__ = ["build", "serve"]
