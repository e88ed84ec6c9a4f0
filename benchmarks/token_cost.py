"""What the first sight of a token costs, beside nothing but its signature: `python -m benchmarks.token_cost`.

Each token is verified three times, some of each kind in turn: by `cryptography` alone, with key, signature and message
as it likes them; by the gateway up to its claims (read, decoded, parsed strictly, checked, signature included); and
from its `Authorization` field to all that is remembered of it (identity fields, consumer, texts to compare, the cache).
Prints medians in microseconds, and at the end lines for scripts.
"""

import base64
import gc
import statistics
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import Any, Final

import click
import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.config.identity import Identity, IdentityKind
from gateway.config.issuer import AuthPolicy, Issuer, Key
from gateway.policy.auth import TokenCache
from gateway.policy.jws import verify

NOW: Final = 1_800_000_000.0
CONSUMER: Final = (Identity(IdentityKind.CLAIM, "client_id"), Identity(IdentityKind.CLAIM, "sub"))
FORWARD: Final = {"sub": "X-User-Id", "role": "X-User-Role"}

BLOCK: Final = 20
"""So many tokens in turn: one at a time, each would find the processor's caches filled by the other."""

type Alone = Callable[[bytes, bytes], Callable[[], None]]
"""Makes the bare check of a message and its signature, with everything about it ready."""


def _ecdsa(key: ec.EllipticCurvePrivateKey) -> Alone:
    public, algorithm = key.public_key(), ec.ECDSA(hashes.SHA256())

    def alone(message: bytes, signature: bytes) -> Callable[[], None]:
        der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        return lambda: public.verify(der, message, algorithm)

    return alone


def _rsa(key: rsa.RSAPrivateKey) -> Alone:
    public, algorithm, scheme = key.public_key(), hashes.SHA256(), padding.PKCS1v15()
    return lambda message, signature: lambda: public.verify(signature, message, scheme, algorithm)


def measure(name: str, key: Any, alone: Alone, tokens: int, rounds: int) -> list[float]:
    """Return the medians in microseconds: the bare check, up to the claims, up to what is remembered."""
    policy = AuthPolicy((Issuer("tacn", "gw", (Key(name, "k1", key.public_key()),)),), 30.0, FORWARD, CONSUMER)
    claims = {"iss": "tacn", "aud": "gw", "iat": int(NOW) - 60, "exp": int(NOW) + 840, "role": "user", "plan": "pro"}
    signed = [
        jwt.encode(claims | {"sub": f"user-{number}", "jti": f"{number:032x}"}, key, name, headers={"kid": "k1"})
        for number in range(tokens)
    ]
    checks = [_split(token, alone) for token in signed]
    spent: tuple[list[int], list[int], list[int]] = ([], [], [])
    for _ in range(rounds):
        cache = TokenCache()
        # As the wire brings them: texts that nobody has hashed yet.
        fields = [f"Bearer {token}" for token in signed]
        for start in range(0, tokens, BLOCK):
            block = slice(start, start + BLOCK)
            spent[0].extend([_timed(check) for check in checks[block]])
            spent[1].extend([_timed(partial(verify, token, policy, NOW, {})) for token in signed[block]])
            spent[2].extend([_timed(partial(cache.verify, field, policy, NOW)) for field in fields[block]])
    return [statistics.median(times) / 1000 for times in spent]


def _split(token: str, alone: Alone) -> Callable[[], None]:
    message, _, signature = token.rpartition(".")
    return alone(message.encode(), base64.urlsafe_b64decode(signature + "=="))


def _timed(turn: Callable[[], object]) -> int:
    started = perf_counter_ns()
    turn()
    return perf_counter_ns() - started


@click.command(help=__doc__)
@click.option("--tokens", default=1000, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(tokens: int, rounds: int) -> None:
    """Print the table."""
    gc.freeze()
    elliptic, rivest = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
    subjects: tuple[tuple[str, Any, Alone], ...] = (
        ("ES256", elliptic, _ecdsa(elliptic)),
        ("RS256", rivest, _rsa(rivest)),
    )
    print("µs, medians   cryptography alone       to the claims       to all that is remembered")
    figures = []
    for name, key, alone in subjects:
        bare, checked, whole = measure(name, key, alone, tokens, rounds)
        print(f"{name:<14}{bare:18.1f}{checked:12.1f} {checked / bare - 1:+6.1%}{whole:20.1f} {whole / bare - 1:+6.1%}")
        figures += [f"figure claims-over-{name.lower()} {checked / bare:.3f}"]
        figures += [f"figure remembered-over-{name.lower()} {whole / bare:.3f}"]
    print("\n".join(figures))


if __name__ == "__main__":
    main()
