"""A worker's log, which the supervisor writes: one writer, so that lines of several processes never mix.

The supervisor's handlers decide where it goes; its levels hold in the workers too: what nobody wants is not made.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Mapping
from typing import Final

from gateway.observability import access_log
from gateway.server.message import Logged
from gateway.server.pipe import Pipe

ROOT: Final = ""


def levels() -> Mapping[str, int]:
    """Return the levels that have been set in this process, by the loggers' names."""
    named = {
        name: logger.level
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and logger.level
    }
    return {ROOT: logging.root.level, **named}


def follow(wanted: Mapping[str, int]) -> None:
    """Set the same levels here."""
    for name, level in wanted.items():
        logging.getLogger(name or None).setLevel(level)


def write(record: Logged, pid: int) -> None:
    """Write a worker's record as one of our own. The access log's lines are JSON and go out as they are."""
    logger = logging.getLogger(record.logger)
    text = record.text if record.logger == access_log.LOGGER else f"worker {pid}: {record.text}"
    made = logger.makeRecord(record.logger, record.level, "", 0, text, (), None)
    made.created = record.created
    logger.handle(made)


class Relay(logging.Handler):
    """Sends records to the supervisor; to standard error once it has gone. It never waits.

    While the supervisor is far behind (whoever reads its output has stopped), records are dropped and counted.
    """

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._last_resort = logging.StreamHandler(sys.stderr)
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        if self._pipe.lost.done():
            self._last_resort.handle(record)
            return
        logged = Logged(record.name, record.levelno, self.format(record), record.created)
        if threading.get_ident() == self._thread:
            self._pass(logged)
        else:
            self._loop.call_soon_threadsafe(self._pass, logged)

    def _pass(self, logged: Logged) -> None:
        if self._pipe.is_congested:
            self._dropped += 1
            return
        if self._dropped:
            count, self._dropped = self._dropped, 0
            text = f"{count} records of the log were dropped while nobody read them"
            self._pipe.send(Logged(__name__, logging.WARNING, text, logged.created))
        self._pipe.send(logged)
