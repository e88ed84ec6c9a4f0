"""The decision: what happens to a request, and why. Pure: no clock of its own, no sockets, no event loop."""
