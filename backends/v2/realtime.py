"""`/ws` and what it tells about itself."""

import time

from aiohttp import web

from backends.domain.accounts import Accounts, Claims
from backends.domain.clock import Clock
from backends.shell.bearer import access_claims, bearer_token
from backends.v2.endpoint import Access, Area, Call, Custom, Endpoint, Envelope, NoInput
from backends.v2.openapi import failure_response
from backends.v2.shape import Plain
from backends.v2.ws.command import DIALECT
from backends.v2.ws.entry import Entry
from backends.v2.ws.hub import Hub
from backends.v2.ws.session import CLOSING_SECONDS, Session

HEARTBEAT_SECONDS = 25.0
MESSAGE_BYTES = 64 * 1024


class SocketInfo(Plain):
    """What the WebSocket speaks and carries; subscriptions by channel."""

    protocols: list[str]
    connections: int
    subscriptions: dict[str, int]
    uptime_seconds: float


class QuoteSubscriptions(Plain):
    """Subscriptions to quotes by symbol."""

    total: int
    symbols: dict[str, int]


def realtime_area(accounts: Accounts, hub: Hub, entry: Entry, clock: Clock) -> Area:
    """The WebSocket and its two reports."""
    handlers = _Realtime(accounts, hub, entry, clock)
    return Area(
        "realtime",
        "Quotes, analyses and notifications as they happen",
        (
            Custom(method="GET", path="/ws", serve=handlers.websocket, operation=_OPERATION),
            Endpoint(
                method="GET",
                path="/ws/info",
                summary="What the WebSocket speaks and carries",
                reads=NoInput,
                answers=SocketInfo,
                handle=handlers.info,
                access=Access.PUBLIC,
                envelope=Envelope.NONE,
            ),
            Endpoint(
                method="GET",
                path="/ws/quotes/subscriptions",
                summary="How many sockets want which quotes",
                reads=NoInput,
                answers=QuoteSubscriptions,
                handle=handlers.quotes,
                access=Access.PUBLIC,
                envelope=Envelope.NONE,
            ),
        ),
    )


class _Realtime:
    def __init__(self, accounts: Accounts, hub: Hub, entry: Entry, clock: Clock) -> None:
        self._accounts = accounts
        self._hub = hub
        self._entry = entry
        self._clock = clock
        self._started = time.monotonic()

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Refuses a bad token before the upgrade, then serves the socket to its end."""
        claims = self._claims(request)
        socket = web.WebSocketResponse(
            protocols=(DIALECT,),
            heartbeat=HEARTBEAT_SECONDS,
            timeout=CLOSING_SECONDS,
            max_msg_size=MESSAGE_BYTES,
            compress=False,
        )
        await socket.prepare(request)
        session = Session(socket, request.transport, claims, hub=self._hub, entry=self._entry, clock=self._clock)
        await session.run()
        return socket

    async def info(self, call: Call[NoInput]) -> SocketInfo:
        return SocketInfo(
            protocols=[DIALECT],
            connections=self._hub.connections,
            subscriptions=self._hub.subscriptions(),
            uptime_seconds=round(time.monotonic() - self._started, 3),
        )

    async def quotes(self, call: Call[NoInput]) -> QuoteSubscriptions:
        symbols = self._hub.quote_subscriptions()
        return QuoteSubscriptions(total=sum(symbols.values()), symbols=symbols)

    def _claims(self, request: web.Request) -> Claims:
        """The header's token, or the query's, which is how browsers do it."""
        in_query = request.query.get("token") if "Authorization" not in request.headers else None
        return access_claims(bearer_token(request) if in_query is None else in_query, self._accounts)


_OPERATION = {
    "operationId": "websocket",
    "summary": f"A WebSocket in the dialect {DIALECT}",
    "description": (
        "Text frames of JSON. `{type: subscription, id, channel, data: {action, symbols | tasks, onBehalfOf}}` is"
        " answered with `ack`, `{type: ping}` with `pong`, anything else with `error`. Channels: `quotes` pushes"
        " `quote_update`; `analysis` pushes `analysis_progress`, `analysis_complete` and `analysis_failed`;"
        " `notifications` pushes `notification`. Only a service may name another user in `onBehalfOf`."
    ),
    "parameters": [
        {
            "name": "token",
            "in": "query",
            "required": False,
            "description": "An access token, for clients that cannot send the header Authorization.",
            "schema": {"type": "string"},
        }
    ],
    "security": [{"bearer": []}, {}],
    "responses": {
        "101": {"description": "The connection is a WebSocket from here on."},
        "400": failure_response("This is no WebSocket handshake."),
        "401": failure_response("No token, or a bad one."),
    },
}
