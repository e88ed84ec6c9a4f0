"""Where a demo keeps its files: `var/` under the current directory, for one demo at a time."""

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import click

import gateway

STORES = ("demo.db", "demo-gateway.db")
SIDE_FILES = ("", "-wal", "-shm", "-journal")


class Place:
    """Owns `var/` while the demo runs: a lock, and the SQLite files, which are removed before and after unless kept."""

    def __init__(self, *, keep: bool) -> None:
        self.folder = Path.cwd() / "var"
        self._keep = keep
        self._lock: IO[str] | None = None

    def url(self, name: str) -> str:
        """Return the URL of a SQLite file here."""
        return f"sqlite:///{self.folder / name}"

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self._lock = (self.folder / "demo.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise click.ClickException(
                f"Another demo is using {self.folder}. End it first, or start this one in another directory."
            ) from None
        self._clear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()
        if self._lock is not None:
            self._lock.close()

    def _clear(self) -> None:
        if not self._keep:
            for name in STORES:
                for ending in SIDE_FILES:
                    (self.folder / f"{name}{ending}").unlink(missing_ok=True)


def reference_file() -> Path:
    """Return `config/gateway.yaml` of the source checkout, or of the current directory; raises ClickException."""
    checkout = Path(gateway.__file__).resolve().parents[1]
    for folder in (checkout, Path.cwd()):
        path = folder / "config" / "gateway.yaml"
        if path.is_file():
            return path
    raise click.ClickException(
        f"The demo's configuration, config/gateway.yaml, is neither in {checkout} nor in {Path.cwd()}:"
        " start the demo in a source checkout."
    )
