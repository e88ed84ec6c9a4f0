"""One client's WebSocket: who it is, what it asks for, and when that ends.

Everything is a callback of the transport, of the wheel or of the hub. What a topic says comes from the hub, already
encoded; a session encodes only what is about itself.
"""

import asyncio
import logging
import math
from typing import Any, Final, assert_never

from gateway.core.clock import Clock
from gateway.core.http import RequestHead
from gateway.policy.decision import Caller
from gateway.policy.refusal import AuthError, KeysUnavailableError
from gateway.realtime import dialect, frame, pace, saying
from gateway.realtime.command import (
    Ask,
    Authenticate,
    Command,
    CommandId,
    ListTopics,
    Mistake,
    Subscribe,
    Unsubscribe,
    decode,
    is_auth,
    known_id,
    parse,
)
from gateway.realtime.identity import Verdict, code_of, expiry, user_of
from gateway.realtime.keeper import Keeper
from gateway.realtime.port import Code, Dialect, Membership, Outcome
from gateway.realtime.saying import HEARTBEAT_SECONDS, Welcome
from gateway.realtime.socket import Phase, Socket

log = logging.getLogger(__name__)

AUTH_SECONDS: Final = 10.0
WARNING_SECONDS: Final = 60.0
"""How long before its token expires a client is told so."""

BAD_TOKEN: Final = 4401
TOO_LATE: Final = 4408
TOO_MANY: Final = 4429
SLOW: Final = 4508
COME_BACK: Final = frozenset({frame.GOING_AWAY, frame.RESTART, frame.OVERLOADED, TOO_LATE, SLOW})
"""Close codes after which a client may come back as it is."""


class Session(Socket):
    """Owns what is known of one client. It never looks into a topic's messages and knows no other session.

    Anonymous until there is a `caller`: only `auth` is obeyed then. `head` is the handshake's request; it is kept for
    as long as the consumer may have to be read from it. `counts_as` is the door's: under which key it is counted.
    """

    __slots__ = (
        "_backlog",
        "_has_warned",
        "_is_settled",
        "_keeper",
        "_membership",
        "_owed",
        "_paced_until",
        "_ping_at",
        "_refusals",
        "caller",
        "counts_as",
        "dialect",
        "head",
        "id",
        "opened",
    )

    def __init__(
        self, transport: asyncio.Transport, keeper: Keeper, clock: Clock, head: RequestHead, number: str
    ) -> None:
        super().__init__(transport, keeper.wheel, clock)
        self._keeper = keeper
        self._membership: Membership | None = None
        self._paced_until = 0.0
        self._refusals = 0
        self._backlog: list[Command] | None = None
        self._has_warned = False
        self._is_settled = False
        self._owed = 0
        self._ping_at = self.heard + keeper.phase()
        self.caller: Caller | None = None
        self.counts_as = ""
        self.dialect = Dialect.CROSSFADE
        self.head: RequestHead | None = head
        self.id = number
        self.opened = self.heard

    # ------------------------------------------------------------------ its beginning

    def settle(self, chosen: Dialect) -> None:
        """The client has named its dialect; else its first message tells."""
        self.dialect = chosen
        self._is_settled = True

    def wait(self) -> None:
        """Nobody knows who it is yet: wait for the first command."""
        self._wheel.put(self, self.opened + AUTH_SECONDS)

    def admit(self, caller: Caller) -> None:
        """It is known who calls."""
        self.caller = caller
        self._membership = self._keeper.admit(self, caller)
        if self._membership is None:
            self.close(TOO_MANY, "too many connections")
            return
        self.head = None
        if self.dialect is Dialect.CROSSFADE:
            limits = self._keeper.limits
            expires_at = expiry(caller)
            told = Welcome(self.id, user_of(caller), expires_at, limits.subscriptions, limits.message)
            self.write(saying.welcome(told))
        self._look_again()

    def reject(self, verdict: AuthError | KeysUnavailableError) -> None:
        """Its token is no good, or that cannot be found out now."""
        if isinstance(verdict, KeysUnavailableError):
            self.close(frame.OVERLOADED, "tokens cannot be checked now")
        else:
            self.close(BAD_TOKEN, verdict.description)

    # ------------------------------------------------------------------ the socket's calls

    def message_limit(self) -> int:
        """Return how many bytes a message may have."""
        return self._keeper.limits.message

    def on_text(self, text: str) -> None:
        """Read a message's commands, unless there are too many of them."""
        self._keeper.heard()
        try:
            document = decode(text)
        except ValueError:
            document = None
        if not self._is_settled:
            self.settle(Dialect.TACN if dialect.is_meant(document) else self.dialect)
        seconds = self._paced(len(document) if isinstance(document, list) else 1)
        if seconds > 0:
            self._hold_off(document, seconds)
        else:
            self._read(document)

    def on_binary(self, data: bytes) -> None:
        """Only text is spoken."""
        self.close(frame.UNSUPPORTED, "only text messages are read")

    def on_ping(self, data: bytes) -> None:
        """Answer a ping, unless there are too many."""
        if self._paced(1) == 0:
            super().on_ping(data)

    def on_look(self, now: float) -> None:
        """Ping, warn, or end what has lasted too long."""
        if self.caller is None:
            self.close(TOO_LATE, "no token in time")
            return
        remaining = self.caller.token.ends - self.clock.now()
        told = expiry(self.caller)
        if remaining <= 0:
            self.close(BAD_TOKEN, "the token has expired")
        elif now - self.heard >= self._keeper.limits.idle:
            self._end_idle()
        else:
            if told is not None and not self._has_warned and self._until_warning() <= 0:
                self._has_warned = True
                self._say(saying.token_expiring(told))
            if now >= self._ping_at:
                self._ping_at = now + HEARTBEAT_SECONDS
                self._say(frame.encode(frame.Opcode.PING, b""))
            self._look_again()

    def on_drained(self) -> None:
        """Go on with what has waited."""
        self._owed = 0
        if self._membership is not None:
            self._membership.drained()

    def farewell(self, code: int, reason: str) -> bytes:
        """Say why, for clients that cannot read a close frame's code, and when to come back."""
        if self.dialect is not Dialect.CROSSFADE:
            return b""
        return saying.disconnect(code, reason, self._keeper.draw() if code in COME_BACK else None)

    def on_leaving(self) -> None:
        """Leave the hub."""
        self._backlog = None
        if self._membership is not None:
            self._membership.leave()

    def on_gone(self) -> None:
        """Tell that it is over."""
        self._keeper.gone(self)

    # ------------------------------------------------------------------ commands

    def _read(self, document: Any) -> None:
        """Obey a message. A fault of our own must not cost the client its socket."""
        try:
            if self.dialect is Dialect.TACN and not is_auth(document):
                self._obey_tacn(document)
                return
            for command in parse(document, self._keeper.limits.subscriptions):
                self._obey(command)
        except Exception:
            log.exception("%r: a command failed", self)
            if self.dialect is Dialect.TACN:
                self._say(dialect.error(known_id(document), self.clock.now(), "INTERNAL_ERROR", "internal error"))
            else:
                self._say(saying.refusal(known_id(document), Code.INTERNAL))

    def _obey(self, command: Command) -> None:
        if not self._is_open:
            return
        if self._backlog is not None:
            self._backlog.append(command)
            return
        match command:
            case Authenticate():
                self._authenticate(command)
            case Mistake():
                self._say(saying.refusal(command.id, command.code))
            case _ if self._membership is None:
                self._say(saying.refusal(command.id, Code.UNAUTHORIZED))
                self.close(BAD_TOKEN, "the first command must be auth")
            case Subscribe():
                self._membership.subscribe(command.wishes, lambda found: self._say(saying.outcome(command.id, found)))
            case Unsubscribe():
                gone = self._membership.unsubscribe(command.topics)
                self._say(saying.reply(command.id, {"unsubscribed": list(gone)}))
            case ListTopics():
                held = {topic: saying.held(one) for topic, one in self._membership.held().items()}
                self._say(saying.reply(command.id, {"topics": held}))
            case Ask():
                self._say(saying.reply(command.id, {"ts": round(self.clock.now() * 1000)}))
            case _:
                assert_never(command)

    def _obey_tacn(self, document: Any) -> None:
        command = dialect.parse(document, self._keeper.limits.subscriptions)
        now = self.clock.now()
        match command:
            case dialect.Knock():
                self._say(dialect.pong(command.id, now))
            case dialect.Fault():
                self._say(dialect.error(command.id, now, "VALIDATION_ERROR", command.message))
            case dialect.Subscription():
                self._subscribe_tacn(command, now)
            case _:
                assert_never(command)

    def _subscribe_tacn(self, command: dialect.Subscription, now: float) -> None:
        if self._membership is None or self.caller is None:
            self._say(dialect.error(command.id, now, "UNAUTHORIZED", "a token is needed first"))
            self.close(BAD_TOKEN, "a token is needed first")
            return
        user = user_of(self.caller)

        def answer(found: Outcome) -> None:
            self._say(dialect.ack(command, user, self.clock.now(), found.subscribed, found.rejected))

        if command.is_on:
            self._membership.subscribe(command.wishes, answer)
        else:
            gone = self._membership.unsubscribe(command.topics)
            self._say(dialect.ack(command, user, now, gone, {}))

    # ------------------------------------------------------------------ tokens

    def _authenticate(self, command: Authenticate) -> None:
        """Find out whose the token is; commands that come meanwhile wait."""
        self._backlog = []
        head = self.head if self.head is not None else RequestHead.of("GET", "/")
        self._keeper.identify(head, f"Bearer {command.token}", lambda verdict: self._identified(command.id, verdict))

    def _identified(self, number: CommandId, verdict: Verdict) -> None:
        backlog, self._backlog = self._backlog or [], None
        if not self._is_open:
            return
        if not isinstance(verdict, Caller):
            self._say(saying.refusal(number, code_of(verdict)))
            if self.caller is None:
                self.reject(verdict)
        elif self.caller is None:
            self._say(saying.reply(number, {"user": user_of(verdict), "expires_at": expiry(verdict)}))
            self.admit(verdict)
        else:
            self._renew(number, self.caller, verdict)
        for command in backlog:
            self._obey(command)

    def _renew(self, number: CommandId, known: Caller, newer: Caller) -> None:
        """Go on with a newer token of the same user; another user's is refused, and the old one stays."""
        if user_of(newer) != user_of(known) or self._membership is None:
            self._say(saying.refusal(number, Code.PERMISSION_DENIED))
            return
        # What it counts for stays the same: only the token is new.
        self.caller = Caller(known.ip, newer.token, known.consumer, known.key)
        self._has_warned = False
        self._membership.identify(self.caller)
        self._say(saying.reply(number, {"user": user_of(newer), "expires_at": expiry(newer)}))
        self._look_again()

    # ------------------------------------------------------------------ its limits

    @property
    def _is_open(self) -> bool:
        return self.phase is Phase.OPEN

    def _say(self, data: bytes) -> None:
        """Write something of our own, unless too much of that is unread already."""
        if self.is_behind:
            self._owed += 1
            if self._owed > self._keeper.limits.queue:
                self.close(SLOW, "slow consumer")
                return
        self.write(data)

    def _paced(self, count: int) -> float:
        """Return 0, or for how many seconds the client must wait; one that never does is sent away."""
        seconds, self._paced_until = pace.wait(self._paced_until, count, self.clock.monotonic())
        self._refusals = self._refusals + 1 if seconds > 0 else 0
        if self._refusals >= pace.PATIENCE:
            self.close(TOO_MANY, "too many commands")
        return seconds

    def _hold_off(self, document: Any, seconds: float) -> None:
        """Say that a message was not read because there were too many before it."""
        if self.dialect is Dialect.TACN:
            self._say(dialect.error(known_id(document), self.clock.now(), "TOO_MANY_REQUESTS", "too many commands"))
        else:
            self._say(saying.refusal(known_id(document), Code.TOO_MANY_REQUESTS, seconds))

    def _end_idle(self) -> None:
        """Who does not read cannot answer a ping either, and is told the more precise reason."""
        if self.is_behind:
            self.close(SLOW, "slow consumer")
        else:
            self.close(TOO_LATE, "no pong in time")

    def _look_again(self) -> None:
        """Have the wheel come back for whatever is first."""
        now = self.clock.monotonic()
        token = self.caller.token.ends if self.caller is not None else math.inf
        moments = [self._ping_at, self.heard + self._keeper.limits.idle, now + token - self.clock.now()]
        if not self._has_warned:
            moments.append(now + self._until_warning())
        self._wheel.put(self, min(moments))

    def _until_warning(self) -> float:
        told = expiry(self.caller) if self.caller is not None else None
        return told / 1000 - WARNING_SECONDS - self.clock.now() if told is not None else math.inf
