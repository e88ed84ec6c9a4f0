"""Realtime topics and the streams served from them."""

import re
from collections.abc import Iterator

from gateway.config.findings import Fault, KeyPath, suggestion
from gateway.config.schema import Call, Config, Realtime
from gateway.config.stream import relieved

TOPIC = re.compile(r"[A-Za-z0-9._~-]+(?::(?:[A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+", re.ASCII)
CHANNELS = frozenset({"quotes", "analysis", "notifications"})
"""What the upstream's dialect has; a topic's first part is its channel."""
PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(config: Config) -> Iterator[Fault]:
    """Yield topics that are none, streams of topics that do not exist, and calls that the hub cannot answer."""
    if config.realtime is not None:
        yield from _topics(config.realtime)
        yield from _streams(config.realtime)
        yield from _credentials(config, config.realtime)
    yield from _relieved(config)


def _topics(realtime: Realtime) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name, topic in realtime.topics.items():
        path = ("realtime", "topics", name, "match")
        if not TOPIC.fullmatch(topic.match):
            yield Fault(path, f"'{topic.match}' is not a topic; write NAME:{{parameter}}, such as quotes:{{symbol}}")
            continue
        first = seen.setdefault(_shape(topic.match), name)
        if first != name:
            yield Fault(path, f"'{topic.match}' is matched by the topic '{first}' already; keep one")
        if topic.authorize == "owner" and "sub" not in PARAMETER.findall(topic.match):
            yield Fault(path, f"'{topic.match}' has no {{sub}}, which authorize: owner compares with the token's")


def _streams(realtime: Realtime) -> Iterator[Fault]:
    shapes = {_shape(topic.match): topic.match for topic in realtime.topics.values()}
    for template, topic in realtime.sse.items():
        path = ("realtime", "sse", template.text)
        if _shape(topic) not in shapes:
            yield Fault(path, f"there is no topic '{topic}'; {suggestion(topic, shapes.values())}")
        missing = sorted(set(PARAMETER.findall(topic)) - template.parameters - {"sub"})
        if missing:
            yield Fault(path, f"'{topic}' needs {{{missing[0]}}}, which the path does not have")


def _credentials(config: Config, realtime: Realtime) -> Iterator[Fault]:
    keys = config.auth.jwt.keys if config.auth.jwt is not None else ()
    if realtime.service_token is None and not any(key.alg.startswith("HS") for key in keys):
        message = "is missing, and auth.jwt has no HS… key to sign one with: the upstream will not know who we are"
        yield Fault(("realtime", "service_token"), message, "warning")
    for name, topic in realtime.topics.items():
        if topic.match.partition(":")[0] not in CHANNELS:
            message = f"'{topic.match}' is in no channel of tacn.v2 ({', '.join(sorted(CHANNELS))}): nothing will come"
            yield Fault(("realtime", "topics", name, "match"), message, "warning")


def _relieved(config: Config) -> Iterator[Fault]:
    for name, migration in config.migrations.items():
        for position, endpoint in enumerate(migration.endpoints):
            path = ("migrations", name, "endpoints", position, "serve")
            yield from _relief(config, path, endpoint.serve, endpoint.legacy)
    for position, route in enumerate(config.routes):
        yield from _relief(config, ("routes", position, "serve"), route.serve, route.match)


def _relief(config: Config, path: KeyPath, serve: str | None, call: Call) -> Iterator[Fault]:
    if serve is None:
        return
    if call.method != "GET":
        yield Fault(path, f"'{call}' is no GET, and the hub answers nothing else; remove serve")
    elif relieved(call.template, serve, 0.0, config.realtime) is None:
        message = f"no topic with conflate: true and authorize: none has the parameters of '{call}'; name them alike"
        yield Fault(path, message)


def _shape(topic: str) -> str:
    return PARAMETER.sub("{}", topic)
