"""Everything of Faust that is private to Faust and that we touch, in one file.

`tests/unit/router/test_faust_internals.py` fails when Faust changes under it. Three changes, each measured
(docs/decisions/0002-faust.md):
- a message that is taken at once costs no asyncio tasks (Faust makes four for each),
- an offset is never committed past a message that is still being worked on,
- the broker answers a fetch within 250 ms instead of 1.5 s.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from functools import partial
from inspect import iscoroutine
from typing import Any

from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.services import WaitArgT, WaitResults

FETCH_MAX_WAIT_MS = 250


class _Resumed:
    """Awaits a coroutine that was already run up to its first pause."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], paused_on: Any) -> None:
        self._coroutine = coroutine
        self._paused_on = paused_on

    def __await__(self) -> Generator[Any, Any, Any]:
        paused_on = self._paused_on
        while True:
            try:
                value = yield paused_on
            except BaseException as error:  # noqa: BLE001  # thrown into the coroutine, as `await` does
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, value)
            try:
                paused_on = step()
            except StopIteration as end:
                return end.value


async def _finish(coroutine: Coroutine[Any, Any, Any], paused_on: Any) -> Any:
    return await _Resumed(coroutine, paused_on)


class Consumer(driver.Consumer):
    """Faust's consumer: cheap when nothing waits, and never ahead of its work."""

    async def wait_first(self, *coros: WaitArgT, timeout: Any = None) -> WaitResults:
        """As Faust's; a first coroutine that ends without waiting takes no tasks."""
        first, *others = coros
        if not iscoroutine(first):
            return await super().wait_first(*coros, timeout=timeout)
        ended = True
        try:
            paused_on = first.send(None)
            ended = False
        except StopIteration as end:
            return WaitResults([first], [end.value], False)
        finally:
            for other in others if ended else ():
                if iscoroutine(other):
                    other.close()
        return await super().wait_first(_finish(first, paused_on), *others, timeout=timeout)

    def _new_offset(self, tp: TP) -> int | None:
        """What may be committed; acks behind an unfinished message wait (Faust may step over one, #606)."""
        working_on = min((message.offset for message in self._unacked_messages if message.tp == tp), default=None)
        acked = self._acked[tp]
        if working_on is None or not acked or max(acked) < working_on:
            return super()._new_offset(tp)
        waiting = [offset for offset in acked if offset > working_on]
        self._acked[tp] = [offset for offset in acked if offset < working_on]
        try:
            return super()._new_offset(tp)
        finally:
            self._acked[tp].extend(waiting)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        return consumer


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = Consumer
