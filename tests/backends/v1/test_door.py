"""What every call passes: unknown paths, methods, tokens, bodies, failures."""

import pytest

from tests.backends.v1.legacy import Legacy

LOGIN = "/api/auth/login"


async def test_an_unknown_path_is_404_in_v1s_shape(anyone: Legacy) -> None:
    assert await anyone.detail(404, "GET", "/api/nothing") == "not found"


async def test_a_wrong_method_is_405_and_says_what_is_allowed(anyone: Legacy) -> None:
    assert await anyone.detail(405, "PUT", "/api/favorites") == "method not allowed"
    assert "POST" in (await anyone.refused("PUT", "/api/favorites")).headers["Allow"]


async def test_a_token_in_another_scheme_is_401(bob: Legacy) -> None:
    async with bob.session.get("/api/favorites", headers={"Authorization": f"Basic {bob.token}"}) as response:
        assert response.status == 401


async def test_the_schemes_case_does_not_matter(bob: Legacy) -> None:
    async with bob.session.get("/api/favorites", headers={"Authorization": f"bearer {bob.token}"}) as response:
        assert response.status == 200


@pytest.mark.parametrize("body", [b"{", b"no json", b"\xff\xfe", b'{"username": "a",}'])
async def test_a_body_that_is_no_json_is_422(body: bytes, anyone: Legacy) -> None:
    assert await anyone.detail(422, "POST", LOGIN, body) == "the body must be JSON"


@pytest.mark.parametrize("body", [b"[]", b"7", b'"text"', b"null"])
async def test_a_body_that_is_no_object_is_422(body: bytes, anyone: Legacy) -> None:
    assert await anyone.detail(422, "POST", LOGIN, body) == "the body must be a JSON object"


async def test_no_body_counts_as_an_empty_object(anyone: Legacy) -> None:
    assert await anyone.detail(422, "POST", LOGIN) == await anyone.detail(422, "POST", LOGIN, b"{}")


async def test_too_large_a_body_is_413(anyone: Legacy) -> None:
    await anyone.detail(413, "POST", LOGIN, b" " * ((1 << 20) + 1024))


async def test_what_nobody_planned_is_500(bob: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("backends.domain.watchlist.Watchlist.list", broken)
    assert await bob.detail(500, "GET", "/api/favorites") == "internal error"
