"""Realtime topics and the streams served from them."""

import re
from collections.abc import Iterator

from gateway.config.findings import Fault, suggestion
from gateway.config.schema import Config, Realtime

TOPIC = re.compile(r"[A-Za-z0-9._~-]+(?::(?:[A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+", re.ASCII)
PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check(config: Config) -> Iterator[Fault]:
    """Yield topics that are none, and streams of topics that do not exist."""
    if config.realtime is not None:
        yield from _topics(config.realtime)
        yield from _streams(config.realtime)


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


def _shape(topic: str) -> str:
    return PARAMETER.sub("{}", topic)
