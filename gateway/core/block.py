"""Header fields as they are written: made once, joined by putting texts together, read apart only for people."""

from gateway.core.http import Fields

type Block = str
"""Whole `Name: value` lines, each with its CR LF; empty for no fields."""


def render(fields: Fields) -> Block:
    """Return fields as they are written."""
    return "".join([f"{name}: {value}\r\n" for name, value in fields])


def fields(block: Block) -> Fields:
    """Return a block's fields."""
    parted = (line.partition(": ") for line in block.split("\r\n")[:-1])
    return tuple((name, value) for name, _, value in parted)
