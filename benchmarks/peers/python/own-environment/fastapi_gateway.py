"""FastAPI on uvicorn, httpx and limits, with the same policy. Arguments: port, file with the secret, v1's and v2's."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from policy import HOP_BY_HOP, Policy, answer_fields, count, new_request_id
from prometheus_client import generate_latest
from starlette.background import BackgroundTask

PORT, KEY_FILE, V1, V2 = sys.argv[1:]
policy = Policy(Path(KEY_FILE).read_text(), V1, V2)
limiter = FixedWindowRateLimiter(MemoryStorage())
per_minute = parse("1000000000/minute")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Hold the client while the application runs."""
    limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


async def authenticated(request: Request) -> str:
    """Return the token's subject."""
    subject = policy.subject(request.headers.get("authorization", ""))
    if subject is None:
        raise HTTPException(401)
    return subject


async def forward(request: Request, origin: str, subject: str, request_id: str) -> httpx.Response:
    """Send the request on; the answer's body is still to be read."""
    fields = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
    client = request.client
    fields |= {"x-forwarded-for": client.host if client else "", "x-user-id": subject, "x-request-id": request_id}
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    if "content-length" in request.headers:
        fields["content-length"] = request.headers["content-length"]
    query = f"?{request.url.query}" if request.url.query else ""
    sent = request.app.state.client.build_request(
        request.method,
        origin + request.url.path + query,
        headers=fields,
        content=request.stream() if has_body else None,
    )
    answer: httpx.Response = await request.app.state.client.send(sent, stream=True)
    return answer


@app.get("/metrics")
async def metrics() -> Response:
    """Answer what was counted."""
    return Response(generate_latest(), media_type="text/plain")


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
async def gateway(request: Request, subject: Annotated[str, Depends(authenticated)]) -> StreamingResponse:
    """Apply the policy and forward."""
    begun = time.perf_counter()
    if not await limiter.hit(per_minute, subject):
        raise HTTPException(429)
    side, request_id = policy.side(subject), new_request_id()
    found = await forward(request, policy.origin(side), subject, request_id)
    kept = HOP_BY_HOP - {"content-length"}
    fields = {name: value for name, value in found.headers.items() if name not in kept} | answer_fields(request_id)
    count(side, found.status_code, begun)
    return StreamingResponse(
        found.aiter_raw(), status_code=found.status_code, headers=fields, background=BackgroundTask(found.aclose)
    )


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(PORT),
        access_log=False,
        log_level="warning",
        timeout_keep_alive=300,
        loop="uvloop",
    )
