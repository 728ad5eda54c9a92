"""The transport below a Socket.IO client's connection, over a queue as Engine.IO has one."""

from __future__ import annotations

import asyncio

import pytest
from websockets.protocol import State

from services.gateway.core.limits import MAX_QUEUED_MESSAGES
from services.gateway.live.core.messages import CloseCode
from services.gateway.socketio.event_socket import DISCONNECT, SEPARATOR, EventSocket


class Engine:
    """An Engine.IO client; `read` is its transport."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue = asyncio.Queue()
        self.closed: list[bool] = []

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        assert not wait, "who does not read would be waited for"
        self.closed.append(abort)

    def read(self, count: int | None = None) -> list[str | None]:
        found = []
        while not self.queue.empty() and (count is None or len(found) < count):
            packet = self.queue.get_nowait()
            self.queue.task_done()
            found.append(None if packet is None else packet.data)
        return found


def opened() -> tuple[Engine, EventSocket]:
    engine = Engine()
    return engine, EventSocket(engine, lambda code, reason: b"%d" % code)


def packets(*texts: bytes) -> bytes:
    return b"".join(text + SEPARATOR for text in texts)


async def test_what_is_written_waits_until_a_transport_takes_it() -> None:
    engine, socket = opened()
    assert socket.get_write_buffer_size() == 0
    socket.write(packets(b"2aaa", b"2b"))
    socket.write(packets(b"2cc"))
    assert socket.get_write_buffer_size() == 9
    assert engine.read(1) == ["2aaa"]
    assert socket.get_write_buffer_size() == 5
    assert engine.read() == ["2b", "2cc"]
    assert socket.get_write_buffer_size() == 0


@pytest.mark.parametrize("code", list(CloseCode))
async def test_whoever_may_come_back_loses_only_the_transport(code: CloseCode) -> None:
    engine, socket = opened()
    socket.write(packets(b"2a"))
    closing = asyncio.create_task(socket.close(code, "why"))
    await asyncio.sleep(0)
    assert socket.state is State.CLOSED
    assert engine.closed == [], "what waits is sent first"
    for_good = [DISCONNECT.decode()] if code >= 4400 else []
    assert engine.read() == ["2a", str(int(code)), *for_good]
    await closing
    assert engine.closed == [False]
    assert engine.read() == [None]
    await socket.close(code, "again")
    assert engine.read() == []


async def test_cutting_off_frees_what_waits() -> None:
    engine, socket = opened()
    socket.write(packets(b"2" + b"x" * 1_000))
    socket.abort()
    socket.abort()
    async with asyncio.timeout(5):
        async for _ in socket:
            raise AssertionError("nobody said anything")
    assert engine.closed == [True]
    assert engine.read() == [None]
    assert socket.get_write_buffer_size() == 0


async def test_events_are_heard_in_order_as_json_until_the_client_is_gone() -> None:
    _, socket = opened()
    await socket.hear("a", [{"b": 1}, "ignored"])
    await socket.hear("c", [])
    await socket.hear("d", ["\ud800"])
    socket.end()
    await socket.hear("late", [])
    assert [text async for text in socket] == ['["a",{"b":1}]', '["c"]', ""]


async def test_a_client_that_says_too_much_waits_and_may_go_meanwhile() -> None:
    _, socket = opened()
    for number in range(MAX_QUEUED_MESSAGES):
        await socket.hear(str(number), [])
    waiting = asyncio.create_task(socket.hear("one more", []))
    await asyncio.sleep(0)
    assert not waiting.done()
    socket.end()
    heard = [text async for text in socket]
    assert len(heard) in {MAX_QUEUED_MESSAGES, MAX_QUEUED_MESSAGES + 1}
    await waiting
