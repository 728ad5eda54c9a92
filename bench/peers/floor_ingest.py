"""The least that an edge can do: a bare ASGI app that cuts a body into records and answers when Kafka has them.

No key, no check, no deadline, no outbox. Requests that come while a flush is under way share the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn

from bench.peers.floor_batches import Batches, open_producer
from shared.process.settings import Settings


class FloorSettings(Settings):
    """Where it listens."""

    ingest_port: int


class Addressed(msgspec.Struct):
    """The part of an event, or of a notification request, that gives the record's key."""

    subject: str | None = None
    recipients: tuple[str, ...] = ()


Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
SETTINGS = FloorSettings()
TOPICS = SETTINGS.topics
addressed = msgspec.json.Decoder(Addressed)
several = msgspec.json.Decoder(list[msgspec.Raw])


class Edge:
    """The app; one flush at a time."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._arrived = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message["more_body"]:
                break
        if body:
            self._put(scope["path"], several.decode(body) if body.startswith(b"[") else [body])
            acknowledged = asyncio.get_running_loop().create_future()
            self._waiting.append(acknowledged)
            self._arrived.set()
            await acknowledged
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def _put(self, path: str, items: list[msgspec.Raw] | list[bytes]) -> None:
        for item in items:
            about, value = addressed.decode(item), bytes(item)
            if path == "/v1/events":
                self._batches.put(TOPICS.events, (about.subject or "").encode(), value)
            else:
                key = f"default:{about.recipients[0]}".encode()
                self._batches.put(TOPICS.notifications, key, b'{"notification":%b}' % value)

    async def _flush(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, []
            await self._batches.flush()
            for acknowledged in waiting:
                if not acknowledged.done():
                    acknowledged.set_result(None)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        producer = await open_producer(SETTINGS.kafka)
        self._batches = Batches(producer)
        flushing = asyncio.create_task(self._flush())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        flushing.cancel()
        await producer.stop()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    uvicorn.run(Edge(), host="127.0.0.1", port=SETTINGS.ingest_port, access_log=False, log_level="warning")
