"""The TLS context of one upstream, with files that may be replaced while it runs."""

import asyncio
import logging
import ssl

from gateway.config.schema import UpstreamTls
from gateway.config.trust import context, files

log = logging.getLogger(__name__)

type Stamp = tuple[tuple[int, int], ...]


class Trust:
    """Owns what new connections are verified with. It never touches one that is open.

    Its files are looked at for each new connection, away from the loop; ones that are broken leave the last good
    context in place.
    """

    def __init__(self, tls: UpstreamTls) -> None:
        self._tls = tls
        self._files = files(tls)
        self._context: ssl.SSLContext | None = None
        self._seen: Stamp = ()

    def __repr__(self) -> str:
        return f"<Trust in {self._tls.ca or 'the system'}>"

    @property
    def server_name(self) -> str | None:
        """The name that certificates must be for, where that is not the endpoint's host."""
        return self._tls.server_name

    async def context(self) -> ssl.SSLContext:
        """Return what to connect with; raises TrustFaultError, an OSError, where there has never been a good one."""
        if self._context is not None and not self._files:
            return self._context
        return await asyncio.to_thread(self._current)

    def _current(self) -> ssl.SSLContext:
        stamp = self._stamp()
        if self._context is not None and stamp == self._seen:
            return self._context
        try:
            made = context(self._tls)
        except OSError as error:
            if self._context is None:
                raise
            log.error("the TLS files of an upstream cannot be read, the old ones stay: %s", error)
            made = self._context
        self._context, self._seen = made, stamp
        return made

    def _stamp(self) -> Stamp:
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return ()
        return tuple((one.st_mtime_ns, one.st_ino) for one in found)
