"""Processes, signals, reload and drain."""
