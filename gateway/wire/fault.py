"""A message that is not HTTP/1.1 as we accept it."""


class WireError(Exception):
    """The bytes break the grammar, or two parsers could read them differently; the message says what is wrong."""
