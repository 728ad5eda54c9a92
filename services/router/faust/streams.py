"""Records in chunks, acknowledged by hand: a `Stream` for Faust's public `Stream=` setting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import faust

CHUNK_BYTES = 4 * 1_048_576
"""A chunk ends here, too: what a record becomes is held in memory until it is written."""


class ChunkStream(faust.Stream[Any]):
    """A stream whose `chunks` yields whatever is queued, without a task, a poll or an ack of its own."""

    async def chunks(self, most: int, linger_seconds: float) -> AsyncIterator[list[Any]]:
        """Yields lists of up to `most` events, in order per partition; the caller acknowledges each, in order.

        The price is per chunk, so after a chunk of several records it waits `linger_seconds` for company;
        when records come one by one it waits not at all. It keeps the stock iterator's duties: it tracks
        what is under way, drops events of an earlier assignment and calls the sensors.
        """
        await self.maybe_start()
        channel: Any = self.channel
        app: Any = self.app
        queue = channel.queue
        acking, unacked = app.topics._acking_topics, app.consumer._unacked_messages
        try:
            while not self.should_stop:
                event = await channel.__anext__()
                chunk: list[Any] = []
                size = 0
                while True:
                    message = event.message
                    if app.flow_control.is_active() and message.generation_id == app.consumer_generation_id:
                        if message.topic in acking and not message.tracked:
                            message.tracked = True
                            unacked.add(message)
                            self._on_message_in(message.tp, message.offset, message)
                        self._on_stream_event_in(message.tp, message.offset, self, event)
                        chunk.append(event)
                    size += len(message.value or b"")
                    if len(chunk) >= most or size >= CHUNK_BYTES or queue.empty():
                        break
                    event = queue.get_nowait()
                if chunk:
                    self.events_total += len(chunk)
                    yield chunk
                if len(chunk) > 1 and queue.empty() and linger_seconds:
                    await asyncio.sleep(linger_seconds)
        except StopAsyncIteration:
            return
        finally:
            self._channel_stop_iteration(channel)
