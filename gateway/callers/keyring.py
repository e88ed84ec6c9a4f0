"""The published keys of all issuers in one data plane: told by whoever fetches them, asked for when one is missing.

A token whose key could not be looked up is neither good nor bad: its request is answered with 503.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.callers.inquiry import Answered, Cancel
from gateway.callers.key_news import Fetched, Want, servers
from gateway.callers.key_set import KeySet, Settle
from gateway.config.issuer import AuthPolicy
from gateway.core.clock import Clock
from gateway.policy.auth import Settled, TokenCache
from gateway.policy.decide import Memory
from gateway.policy.decision import NeedKeys


class Keyring:
    """Owns the key sets of the running configuration. What is told goes into `tokens`; requests that need it sooner
    wait in `ask`. It never speaks with a key server."""

    def __init__(self, tokens: TokenCache, policy: AuthPolicy, want: Callable[[Want], None], clock: Clock) -> None:
        self._tokens = tokens
        self._want = want
        self._clock = clock
        self._sets = {url: self._made(url, policy) for url in servers(policy)}

    def __repr__(self) -> str:
        return f"<Keyring {list(self._sets.values())}>"

    def take(self, news: Fetched) -> None:
        """Hold to what was fetched."""
        found = self._sets.get(news.url)
        if found is not None:
            found.take(news)

    def apply(self, policy: AuthPolicy) -> None:
        """Follow a changed configuration. A set whose URL stays keeps its keys; others are forgotten with theirs."""
        wanted = servers(policy)
        for url in self._sets.keys() - wanted.keys():
            self._sets.pop(url).close()
            self._tokens.put_keys(url, None)
        for url, settings in wanted.items():
            if url in self._sets:
                self._sets[url].settings = settings
            else:
                self._sets[url] = self._made(url, policy)
                # It may have been fetched before we knew of it.
                self._sets[url].ask()

    def close(self) -> None:
        """Tell who still waits that nothing can be known."""
        for one in self._sets.values():
            one.close()

    def ask(self, need: NeedKeys, memory: Memory, answered: Answered) -> Cancel:
        """Have a key looked for; the answer is a memory that asks for no key any more."""

        def settle(is_answered: bool) -> None:
            answered(replace(memory, tokens=Settled(memory.tokens, is_answered=is_answered)))

        found = self._sets.get(need.url)
        if found is None:
            # A reload has just taken this server away.
            return _soon(settle, False)
        is_answered = found.known(need.kid)
        return found.wait(need.kid, settle) if is_answered is None else _soon(settle, is_answered)

    def _made(self, url: str, policy: AuthPolicy) -> KeySet:
        return KeySet(servers(policy)[url], self._want, self._tokens.put_keys, self._clock)


def _soon(settle: Settle, is_answered: bool) -> Cancel:
    return asyncio.get_running_loop().call_soon(settle, is_answered).cancel
