"""Which paths are answered from the hub: the legacy streams of `realtime.sse`, and endpoints with `serve: hub`."""

from dataclasses import replace

from gateway.config.schema import Realtime
from gateway.config.snapshot import AuthMode, Endpoint, HubTopic, Route
from gateway.config.template import PathTemplate

type Targets = tuple[tuple[Endpoint, ...], tuple[Route, ...]]


def streamed(endpoints: tuple[Endpoint, ...], routes: tuple[Route, ...], realtime: Realtime | None) -> Targets:
    """Return the endpoints and routes with those that are streams marked.

    A stream whose path is an endpoint's or a route's keeps its policy: token, quotas, phase. Any other one needs a
    token, has no quota, and is tried before all routes. One whose topic names a migration is an endpoint of it.
    """
    alone: list[Route] = []
    for template, topic in realtime.sse.items() if realtime is not None else ():
        stream = HubTopic(template, topic)
        if any(_is_at(one, template) for one in endpoints):
            endpoints = tuple(replace(one, stream=stream) if _is_at(one, template) else one for one in endpoints)
            continue
        own = next((one for one in routes if _is_at(one, template)), None)
        route = own or _alone(stream, realtime.upstream if realtime is not None else "")
        migration = _migration(topic, realtime)
        if migration is not None and realtime is not None:
            endpoints = (*endpoints, _endpoint(migration, route, stream, realtime.path))
        routes = tuple(replace(one, stream=stream) if one is own else one for one in routes)
        if own is None and migration is None:
            alone.append(route)
    return endpoints, (*alone, *routes)


def _alone(stream: HubTopic, upstream: str) -> Route:
    name = f"stream-{stream.topic.partition(':')[0]}"
    return Route(name, "GET", stream.path, upstream, AuthMode.REQUIRED, (), stream=stream)


def _migration(topic: str, realtime: Realtime | None) -> str | None:
    """Return the migration that a stream's topic names."""
    shapes = {_shape(spec.match): spec.migration for spec in realtime.topics.values()} if realtime is not None else {}
    return shapes.get(_shape(topic))


def _endpoint(migration: str, route: Route, stream: HubTopic, path: str) -> Endpoint:
    """Return the stream as an endpoint of its migration, by a route's policy; its successor is the WebSocket."""
    return Endpoint(
        owner=migration,
        method="GET",
        template=stream.path,
        successor_method="GET",
        successor_template=PathTemplate.parse(path),
        auth=route.auth,
        quotas=route.quotas,
        require=route.require,
        shadows=route.shadows,
        stream=stream,
    )


def _shape(topic: str) -> tuple[str, ...]:
    return tuple("{}" if part.startswith("{") else part for part in topic.split(":"))


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
