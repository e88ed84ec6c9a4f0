"""Processes, cores and CPU time."""
