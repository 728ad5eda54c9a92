"""Records in chunks, acknowledged by hand: a `Stream` for Faust's public `Stream=` setting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple, cast

import faust
from faust.types import ChannelT, EventT, Message

from shared.kafka.consumer import APPEND_TIME
from shared.model.outputs import FormatFault, KafkaRecord


class Chunk(NamedTuple):
    """Records to work on, and Faust's events of the same positions, to acknowledge."""

    records: list[KafkaRecord]
    events: list[EventT[bytes]]


class ChunkStream(faust.Stream[Any]):
    """A stream whose `chunks` yields whatever is queued, without a task, a poll or an ack of its own."""

    @property
    def queued(self) -> int:
        """How many records wait to be put into a chunk."""
        return int(cast("ChannelT[bytes]", self.channel).queue.qsize())

    async def chunks(self, most: int, most_bytes: int, weigh: Callable[[bytes], int] = len) -> AsyncIterator[Chunk]:
        """Yields up to `most` records, in order per partition; the caller acknowledges each event, in order.

        A chunk ends at `most_bytes`, too, by what `weigh` says of each value: what its records become is held in memory
        until it is written.

        It keeps the stock iterator's duties: it tracks what is in flight, drops events of an earlier assignment and
        calls the sensors.
        """
        await self.maybe_start()
        channel = cast("ChannelT[bytes]", self.channel)
        app: Any = self.app
        queue = channel.queue
        acking, unacked = app.topics._acking_topics, app.consumer._unacked_messages
        try:
            while not self.should_stop:
                event = await channel.__anext__()
                chunk = Chunk([], [])
                size = 0
                while True:
                    message = event.message
                    if app.flow_control.is_active() and message.generation_id == app.consumer_generation_id:
                        if message.topic in acking and not message.tracked:
                            message.tracked = True
                            unacked.add(message)
                            self._on_message_in(message.tp, message.offset, message)
                        self._on_stream_event_in(message.tp, message.offset, self, event)
                        chunk.records.append(_record(message))
                        chunk.events.append(event)
                    size += weigh(message.value or b"")
                    if len(chunk.events) >= most or size >= most_bytes or queue.empty():
                        break
                    event = queue.get_nowait()
                if chunk.events:
                    self.events_total += len(chunk.events)
                    yield chunk
        except StopAsyncIteration:
            return
        finally:
            self._channel_stop_iteration(channel)


def _record(message: Message) -> KafkaRecord:
    """Faust keeps seconds, and headers as a list or a dict."""
    headers = message.headers or []
    fault: object = message.checksum
    return KafkaRecord(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        list(headers.items()) if isinstance(headers, Mapping) else list(headers),
        round(message.timestamp * 1000) if message.timestamp_type == APPEND_TIME else -1,
        fault if isinstance(fault, FormatFault) else None,
    )
