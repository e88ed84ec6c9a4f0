"""`/api/stream`: a task's progress to its end, the queue's figures, the caller's notifications. Only on v1.

Redis says *that* something changed; what progress and queue show is read again from the store, also with every beat, so
that a message lost on the way delays an event and never loses it.
"""

from typing import Any

from aiohttp import web

from backends.domain.analysis import Analyses, Progress
from backends.domain.notifications import notifications_channel, progress_channel, queue_channel
from backends.domain.queue import FINISHED, TaskQueue
from backends.v1.access import caller
from backends.v1.analysis import progress_shape
from backends.v1.envelope import stamp
from backends.v1.inbox import Inboxes, Message
from backends.v1.queue import stats_shape
from backends.v1.sse import EventStream, event_stream
from backends.v1.status import legacy_status


class StreamsArea:
    """The handlers of `/api/stream`."""

    def __init__(self, analyses: Analyses, queue: TaskQueue, inboxes: Inboxes) -> None:
        self._analyses = analyses
        self._queue = queue
        self._inboxes = inboxes

    def routes(self) -> list[web.RouteDef]:
        """This area's paths; a stream has no HEAD."""
        return [
            web.get("/api/stream/analysis/{task}", self.analysis, allow_head=False),
            web.get("/api/stream/queue", self.queue, allow_head=False),
            web.get("/api/stream/notifications", self.notifications, allow_head=False),
        ]

    async def analysis(self, request: web.Request) -> web.StreamResponse:
        """`progress` at each step of one of the caller's tasks, then `complete` or `failed`, then the end."""
        user, task = caller(request), request.match_info["task"]
        async with self._inboxes.listening(progress_channel(task)) as inbox:
            progress = await self._analyses.progress(user, task)
            async with event_stream(request) as stream:
                await send_progress(stream, progress)
                while progress.status not in FINISHED and await inbox.wait() is not None:
                    before, progress = progress, await self._analyses.progress(user, task)
                    await (stream.beat() if progress == before else send_progress(stream, progress))
        return stream.response

    async def queue(self, request: web.Request) -> web.StreamResponse:
        """`queue` with the caller's figures, at once and whenever they change."""
        user = caller(request)
        async with self._inboxes.listening(queue_channel(user)) as inbox:
            stats = await self._queue.stats(user)
            async with event_stream(request) as stream:
                await stream.send("queue", stats_shape(stats))
                while await inbox.wait() is not None:
                    before, stats = stats, await self._queue.stats(user)
                    await (stream.beat() if stats == before else stream.send("queue", stats_shape(stats)))
        return stream.response

    async def notifications(self, request: web.Request) -> web.StreamResponse:
        """`notification` for each of the caller's, from now on."""
        channel = notifications_channel(caller(request))
        async with self._inboxes.listening(channel) as inbox, event_stream(request) as stream:
            while (messages := await inbox.wait()) is not None:
                await send_notifications(stream, messages)
        return stream.response


async def send_progress(stream: EventStream, progress: Progress) -> None:
    """One step of a task; a cancelled one has failed, as far as a stream is concerned."""
    names = {"completed": "complete", "failed": "failed", "cancelled": "failed"}
    await stream.send(names.get(progress.status, "progress"), progress_shape(progress))


async def send_notifications(stream: EventStream, messages: list[Message]) -> None:
    """The messages, or a beat if there are none."""
    for message in messages:
        await stream.send("notification", notification_shape(message))
    if not messages:
        await stream.beat()


def notification_shape(message: Message) -> dict[str, object]:
    """v1's notification."""
    return {
        "id": message["id"],
        "kind": message["kind"],
        "data": data_shape(message["data"]),
        "created_at": stamp(message["created_at"]),
    }


def data_shape(data: dict[str, Any]) -> dict[str, object]:
    """What a notification is about, in v1's words."""
    names = {"symbol": "stock_code", "name": "stock_name"}
    shaped: dict[str, object] = {names.get(name, name): value for name, value in data.items()}
    if "status" in data:
        shaped["status"] = legacy_status(data["status"])
    return shaped
