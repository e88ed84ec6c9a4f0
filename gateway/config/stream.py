"""Which paths are answered from the hub: the legacy streams of `realtime.sse`, and endpoints with `serve: hub`."""

from dataclasses import replace

from gateway.config.schema import Realtime
from gateway.config.snapshot import AuthMode, Endpoint, HubTopic, Route
from gateway.config.template import PathTemplate

type Targets = tuple[tuple[Endpoint, ...], tuple[Route, ...]]


def streamed(endpoints: tuple[Endpoint, ...], routes: tuple[Route, ...], realtime: Realtime | None) -> Targets:
    """Return the endpoints and routes with those that are streams marked.

    A stream whose path is an endpoint's or a route's keeps its policy: token, quotas, phase. Any other one needs a
    token, has no quota, and is tried before all routes.
    """
    own: list[Route] = []
    for template, topic in realtime.sse.items() if realtime is not None else ():
        stream = HubTopic(template, topic)
        marked = tuple(replace(one, stream=stream) if _is_at(one, template) else one for one in endpoints)
        if marked != endpoints:
            endpoints = marked
            continue
        passed = tuple(replace(one, stream=stream) if _is_at(one, template) else one for one in routes)
        upstream = realtime.upstream if realtime is not None else ""
        name = topic.partition(":")[0]
        if passed == routes:
            own.append(Route(f"stream-{name}", "GET", template, upstream, AuthMode.REQUIRED, (), stream=stream))
        routes = passed
    return endpoints, (*own, *routes)


def relieved(target: PathTemplate, serve: str | None, fresh: float, realtime: Realtime | None) -> HubTopic | None:
    """Return the topic whose newest message answers this path: the conflated one with the same parameters."""
    if serve is None or realtime is None:
        return None
    for topic in realtime.topics.values():
        names = {part[1:-1] for part in topic.match.split(":") if part.startswith("{")}
        if topic.conflate and topic.authorize == "none" and names == target.parameters:
            return HubTopic(target, topic.match, fresh)
    return None


def _is_at(target: Endpoint | Route, template: PathTemplate) -> bool:
    is_same = target.template.segments == template.segments and target.template.rest == template.rest
    return target.method == "GET" and is_same
