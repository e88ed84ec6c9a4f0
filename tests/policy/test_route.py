"""Which endpoint or route a request means."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.router import compile_router
from gateway.config.snapshot import AuthMode, Route, Snapshot
from gateway.config.template import PathTemplate, Rewrite
from gateway.policy.route import Miss, UnsafePathError, canonical, match

from .conftest import Compile


@pytest.mark.parametrize(
    ("method", "path", "label", "parameters"),
    [
        ("GET", "/api/favorites", "GET /api/favorites", {}),
        ("HEAD", "/api/favorites", "GET /api/favorites", {}),
        ("DELETE", "/api/favorites/600519", "DELETE /api/favorites/{stock_code}", {"stock_code": "600519"}),
        ("POST", "/api/v2/auth/login", "POST /api/v2/auth/login", {}),
        ("GET", "/api/v2/auth/login", "* /api/v2/{rest*}", {"rest": "auth/login"}),
        ("GET", "/api/v2", "* /api/v2/{rest*}", {"rest": ""}),
        ("GET", "/api/v2/", "* /api/v2/{rest*}", {"rest": ""}),
        ("OPTIONS", "/api/screening/a/b", "* /api/screening/{rest*}", {"rest": "a/b"}),
    ],
)
def test_a_known_path_finds_its_target(
    snapshot: Snapshot, method: str, path: str, label: str, parameters: dict[str, str]
) -> None:
    found = match(snapshot.router, method, path)
    assert not isinstance(found, Miss)
    assert (found.label, found.template.match(path)) == (label, parameters)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/favorites", ("GET", "HEAD", "POST")),
        ("GET", "/api/favorites/600519", ("DELETE", "PATCH")),
        ("GET", "/api/favorites/", ()),
        ("GET", "/api/favorites/600519/more", ()),
        ("GET", "/", ()),
        ("GET", "/API/favorites", ()),
        ("GET", "/api//favorites", ()),
    ],
)
def test_what_does_not_match_says_which_methods_would(
    snapshot: Snapshot, method: str, path: str, allow: tuple[str, ...]
) -> None:
    assert match(snapshot.router, method, path) == Miss(allow)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/favorites", "/api/favorites"),
        ("/api/f%61vorites", "/api/favorites"),
        ("/api/%7Euser", "/api/~user"),
        ("/api/a%2Fb", "/api/a%2Fb"),
        ("/api/%E8%8C%85", "/api/%E8%8C%85"),
        ("/api/%e8%8c%85", "/api/%E8%8C%85"),
        ("/api/.well", "/api/.well"),
        ("/api/...", "/api/..."),
    ],
)
def test_only_unreserved_characters_are_decoded_to_compare(path: str, expected: str) -> None:
    assert canonical(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/api/../admin",
        "/api/%2e%2e/admin",
        "/api/.%2E/admin",
        "/api/./favorites",
        "/..",
        "/api/x/..",
        "/api/favorites/..%2fadmin",
        "/api/favorites/x%2F..%2Fadmin",
        "/api/a\\b",
        "/api/a%5Cb",
        "/api/a%00b",
    ],
)
def test_a_path_that_a_backend_could_resolve_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UnsafePathError):
        canonical(path)


TREES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "c", "{}"]), max_size=4),
        st.booleans(),
        st.sampled_from([None, "GET", "POST"]),
    ),
    max_size=8,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), min_size=1, max_size=5)


def template(segments: list[str], has_rest: bool) -> PathTemplate:
    named = [f"{{p{place}}}" if segment == "{}" else segment for place, segment in enumerate(segments)]
    return PathTemplate.parse("/" + "/".join([*named, "{rest*}"] if has_rest else named))


def one_by_one(routes: tuple[Route, ...], method: str, path: str) -> Route | Miss:
    wanted = "GET" if method == "HEAD" else method
    fitting = [route for route in routes if route.template.match(path) is not None]
    for route in fitting:
        if route.method in {None, wanted}:
            return route
    allow = {route.method for route in fitting if route.method is not None}
    return Miss(tuple(sorted(allow | ({"HEAD"} if "GET" in allow else set()))))


@given(TREES, PATHS, st.sampled_from(["GET", "HEAD", "POST", "PUT"]))
@settings(max_examples=500, deadline=None)
def test_the_tree_finds_what_trying_all_routes_in_their_order_would(
    trees: list[tuple[list[str], bool, str | None]], parts: list[str], method: str
) -> None:
    routes = tuple(
        Route(f"r{number}", only, template(segments, has_rest), "v1", AuthMode.NONE, ())
        for number, (segments, has_rest, only) in enumerate(trees)
    )
    path = "/" + "/".join(parts)
    assert match(compile_router((), routes), method, path) == one_by_one(routes, method, path)


def test_a_request_for_the_server_itself_is_no_path(compiled: Compile) -> None:
    snapshot = compiled(("adapters:\n", '  - {name: rest, match: "/{rest*}", upstream: v1, auth: none}\nadapters:\n'))
    assert match(snapshot.router, "OPTIONS", "*") == Miss()


@pytest.mark.parametrize(
    ("source", "target", "path", "expected"),
    [
        ("/a/{x}/b/{y}", "/v2/{y}/{x}", "/a/1%2F2/b/%7e", "/v2/%7e/1%2F2"),
        ("/a/{x}", "/v2", "/a/1", "/v2"),
        ("/a/{rest*}", "/v2/{rest*}", "/a/b/c//d", "/v2/b/c//d"),
        ("/a/{rest*}", "/v2/{rest*}", "/a", "/v2/"),
        ("/a/{rest*}", "/v2/{rest*}", "/a/", "/v2/"),
        ("/a/{x}/{rest*}", "/v2/{rest*}", "/a/1/b/c", "/v2/b/c"),
    ],
)
def test_a_path_is_rewritten_with_its_parameters_as_they_were_written(
    source: str, target: str, path: str, expected: str
) -> None:
    assert Rewrite(PathTemplate.parse(source), PathTemplate.parse(target)).apply(path) == expected
