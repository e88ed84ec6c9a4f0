"""v1, the legacy API: a thin HTTP shell over the domain, one file an area.

Holds names, shapes and statuses, never a rule.
"""

from backends.v1.app import build, serve

__all__ = ["build", "serve"]
