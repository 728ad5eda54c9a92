"""The log in memory, as a writer meets it."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.errors import MessageSizeTooLargeError

from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from shared.model.topics import INTERNAL_MAX_BYTES
from tests.support.twins.outages import Outages


class MemoryPublisher:
    """A RecordWriter. `written` has every record in the order of the log."""

    def __init__(self, *, most_bytes: int = INTERNAL_MAX_BYTES) -> None:
        self.outages = Outages(KafkaUnavailable)
        self.written: list[Output] = []
        self.calls = 0
        self._most = most_bytes

    async def publish(self, outputs: Iterable[Output]) -> None:
        wanted = list(outputs)
        self.calls += 1
        async with self.outages.call():
            if any(_size(output) > self._most for output in wanted):
                raise MessageSizeTooLargeError
            self.written += wanted

    async def discard(self) -> None:
        """Nothing is held."""

    def on(self, topic: str) -> list[Output]:
        """The records of one topic."""
        return [output for output in self.written if output.topic == topic]


def _size(output: Output) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in output.headers)
    return len(output.key or b"") + len(output.value or b"") + headers
