"""Whose a token is: verified as for any request, also where its key must be fetched first."""

from collections.abc import Callable
from typing import Protocol

from gateway.config.snapshot import Snapshot
from gateway.core.cell import Cell
from gateway.core.clock import Clock
from gateway.core.http import RequestHead
from gateway.policy import charging, identity
from gateway.policy.decide import Memory
from gateway.policy.decision import Caller, NeedKeys
from gateway.policy.refusal import AuthError, KeysUnavailableError, MissingKeyError
from gateway.realtime.identity import Verdict


class Fulfiller(Protocol):
    """Who fetches keys."""

    def ask(self, need: NeedKeys, memory: Memory, answered: Callable[[Memory], None]) -> Callable[[], None]:
        """Have a need fulfilled, and call `answered` once, later, with a memory that knows the answer."""
        ...


class Authority:
    """Owns nothing: it knows whom to ask. A verdict is about the rules of the moment."""

    def __init__(self, snapshot: Cell[Snapshot], memory: Memory, fulfiller: Fulfiller, clock: Clock) -> None:
        self._snapshot = snapshot
        self._memory = memory
        self._fulfiller = fulfiller
        self._clock = clock

    def judge(self, head: RequestHead, authorization: str, memory: Memory) -> Verdict:
        """Return whose a token is; raises MissingKeyError."""
        snapshot = self._snapshot.value
        try:
            token = memory.tokens.verify(authorization, snapshot.auth, self._clock.now())
        except (AuthError, KeysUnavailableError) as verdict:
            return verdict
        ip = identity.client_ip(head, snapshot.server.trusted_hops)
        consumer, key = token.consumer or charging.consumer(snapshot.consumer, head, token.texts, ip)
        return Caller(ip, token, consumer, key)

    def stranger(self, head: RequestHead) -> str:
        """Return what somebody without a token is counted as: an address."""
        return charging.consumer((), head, {}, identity.client_ip(head, self._snapshot.value.server.trusted_hops))[1]

    def identify(self, head: RequestHead, authorization: str, answer: Callable[[Verdict], None]) -> None:
        """Find out whose a token is, and answer once: at once, or when its keys have been asked for."""
        try:
            verdict = self.judge(head, authorization, self._memory)
        except MissingKeyError as missing:
            need = NeedKeys(None, missing.url, missing.kid)
            self._fulfiller.ask(need, self._memory, lambda memory: answer(self.judge(head, authorization, memory)))
            return
        answer(verdict)
