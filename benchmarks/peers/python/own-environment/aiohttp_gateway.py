"""aiohttp server and client with the same policy. Arguments: port, file with the secret, port of v1, port of v2."""

import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from aiohttp import ClientSession, TCPConnector, web
from policy import HOP_BY_HOP, Policy, answer_fields, count, new_request_id
from prometheus_client import generate_latest

POLICY = web.AppKey("policy", Policy)
SESSION = web.AppKey("session", ClientSession)
LIMIT = 1_000_000_000


class Windows:
    """Requests per subject and minute."""

    def __init__(self) -> None:
        self._seen: dict[str, list[int]] = {}

    def hit(self, subject: str) -> bool:
        """Count one request; False when there were too many."""
        minute = int(time.time()) // 60
        window = self._seen.get(subject)
        if window is None or window[0] != minute:
            window = self._seen[subject] = [minute, 0]
        window[1] += 1
        return window[1] < LIMIT


windows = Windows()


async def handle(request: web.Request) -> web.StreamResponse:
    """Apply the policy and forward."""
    begun = time.perf_counter()
    policy = request.app[POLICY]
    if request.path == "/metrics":
        return web.Response(body=generate_latest())
    subject = policy.subject(request.headers.get("Authorization", ""))
    if subject is None:
        return web.Response(status=401)
    if not windows.hit(subject):
        return web.Response(status=429)
    side, request_id = policy.side(subject), new_request_id()
    answer = await forward(request, policy.origin(side), subject, request_id)
    count(side, answer.status, begun)
    return answer


async def forward(request: web.Request, origin: str, subject: str, request_id: str) -> web.StreamResponse:
    """Send the request on and stream the answer back."""
    fields = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
    fields |= {"X-Forwarded-For": request.remote or "", "X-User-Id": subject, "X-Request-Id": request_id}
    if request.content_length is not None:
        fields["Content-Length"] = str(request.content_length)
    body = request.content if request.can_read_body else None
    session = request.app[SESSION]
    async with session.request(
        request.method, origin + request.raw_path, headers=fields, data=body, allow_redirects=False
    ) as found:
        back = {name: value for name, value in found.headers.items() if name.lower() not in HOP_BY_HOP}
        answer = web.StreamResponse(status=found.status, headers=back | answer_fields(request_id))
        answer.content_length = found.content_length
        await answer.prepare(request)
        async for piece in found.content.iter_any():
            await answer.write(piece)
        await answer.write_eof()
        return answer


async def session(app: web.Application) -> AsyncIterator[None]:
    """Hold the client session while the application runs."""
    app[SESSION] = ClientSession(connector=TCPConnector(limit=256), auto_decompress=False)
    yield
    await app[SESSION].close()


def application(key_file: str, v1: str, v2: str) -> web.Application:
    """Return the gateway."""
    app = web.Application(client_max_size=64 << 20)
    app[POLICY] = Policy(Path(key_file).read_text(), v1, v2)
    app.router.add_route("*", "/{path:.*}", handle)
    app.cleanup_ctx.append(session)
    return app


if __name__ == "__main__":
    port, *rest = sys.argv[1:]
    uvloop.install()
    web.run_app(application(*rest), host="127.0.0.1", port=int(port), access_log=None, print=None)
