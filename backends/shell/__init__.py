"""What the two HTTP shells share: running, faults, failures, tokens and parsing.

Holds no field, envelope or status of either side.
"""
