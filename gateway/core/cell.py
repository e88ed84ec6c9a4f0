"""A place for one value that is replaced whole."""


class Cell[T]:
    """Owns the current value of something immutable that changes now and then, like the running Snapshot.

    Readers take the value once per request and keep it; a writer replaces it between two requests. There is no lock
    because there is no partial state. It never copies and never notifies.
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<Cell {self.value!r}>"
