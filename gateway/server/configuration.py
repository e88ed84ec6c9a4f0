"""The running configuration: read from the file, replaced whole, or kept when the file is broken."""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config.compile import compile_snapshot
from gateway.config.expressions import ExpressionError
from gateway.config.keys import KeyFaultError
from gateway.config.load import ConfigError, Finding, load
from gateway.config.schema import Config
from gateway.config.snapshot import Snapshot
from gateway.core.clock import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One configuration that passed every check, and when (Unix seconds)."""

    path: Path
    config: Config
    snapshot: Snapshot
    loaded_at: float


class ConfigSource:
    """Owns the file's path and the count of revisions. It never applies anything."""

    def __init__(self, path: Path, environ: Mapping[str, str], clock: Clock) -> None:
        self.path = path
        self._environ = environ
        self._clock = clock
        self._revision = 0
        self._secret = secrets.token_hex(32)

    def __repr__(self) -> str:
        return f"<ConfigSource {self.path}: revision {self._revision}>"

    async def read(self) -> Loaded:
        """Return what the file says now; raises ConfigError. Reading and compiling happen beside the event loop."""
        loaded = await asyncio.to_thread(self._read)
        self._revision = loaded.snapshot.revision
        return loaded

    async def stamp(self) -> tuple[int, int, int] | None:
        """Return what changes with the file's content: time, size and inode; None while there is no file."""
        return await asyncio.to_thread(self._stamp)

    def _read(self) -> Loaded:
        found = load(self.path, self._environ, self._clock.now())
        for warning in found.warnings:
            log.log(logging.INFO if warning.severity == "note" else logging.WARNING, "%s", warning)
        config = self._secretive(found.config)
        try:
            snapshot = compile_snapshot(config, revision=self._revision + 1, digest=found.digest)
        except (KeyFaultError, ExpressionError) as error:
            # A key's file or an adapter's module has changed since it was checked a moment ago.
            raise ConfigError([Finding("error", "", 1, str(error), str(self.path))]) from error
        return Loaded(self.path, config, snapshot, self._clock.now())

    def _secretive(self, config: Config) -> Config:
        """Make sure that there is a key for what must not be kept as it is: a random one, where the file has none."""
        ledger = config.ledger
        if ledger.secret is not None:
            return config
        return config.model_copy(update={"ledger": ledger.model_copy(update={"secret": self._secret})})

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def log_refusal(error: ConfigError) -> None:
    """Write every finding of a refused file to the log, one a line."""
    log.error("the configuration was refused, the running one stays")
    for finding in error.findings:
        log.error("%s", finding)


def held(new: Config, started_with: Config) -> Config:
    """Return a configuration with what needs a restart as it was: a worker that starts late gets no other."""
    first = started_with.server
    admin = new.server.admin.model_copy(update={"listen": first.admin.listen})
    kept = {"listen": first.listen, "workers": first.workers, "tls": first.tls, "admin": admin}
    server = new.server.model_copy(update=kept)
    return new.model_copy(update={"server": server, "store": started_with.store, "redis": started_with.redis})


def needs_restart(old: Config, new: Config) -> list[str]:
    """Return the key paths that differ from what the process was started with and that it cannot follow."""
    pairs = {
        "server.listen": (old.server.listen, new.server.listen),
        "server.admin.listen": (old.server.admin.listen, new.server.admin.listen),
        "server.workers": (old.server.workers, new.server.workers),
        "server.tls": (old.server.tls, new.server.tls),
        "store": (old.store, new.store),
        "redis": (old.redis, new.redis),
    }
    return [key for key, (before, after) in pairs.items() if before != after]
