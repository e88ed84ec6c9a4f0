"""Which endpoint or route a request means."""

import pytest

from gateway.config.snapshot import Snapshot
from gateway.policy.route import Match, Miss, UnsafePathError, canonical, match


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
    assert isinstance(found, Match)
    assert (found.target.label, found.parameters) == (label, parameters)


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
