"""The admin listener's socket."""

from aiohttp import web


class AdminListener:
    """Owns the socket on which operators, probes and Prometheus are answered; it is never public."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._site: web.TCPSite | None = None

    def __repr__(self) -> str:
        return f"<AdminListener on port {self.port}>"

    @property
    def port(self) -> int:
        """The port that is listened on, also when port 0 was asked for."""
        return self._site.port if self._site is not None else 0

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the address is taken."""
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()

    async def close(self) -> None:
        """Stop listening and close every connection."""
        await self._runner.cleanup()
