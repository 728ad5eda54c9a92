"""Apprise over real HTTP: whatever a server does, an attempt ends in bounded time, and the next message is taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import orjson
import pytest

from sandbox.free_ports import free_ports
from services.delivery.channels.apprise.calls import NO_ANSWER, STUCK
from services.delivery.core.attempts import AttemptFault, Failed, Sent
from tests.contract.apprise_services import WORKFLOW, sender, to
from tests.contract.sinks import Sink
from tests.support.wait import until

pytestmark = pytest.mark.real
NOT_TAKEN = Failed(code="not_taken", fault=AttemptFault.PROVIDER)
FAULTS: dict[str, tuple[dict[str, Any], Failed]] = {
    "hangs": ({"mode": "hang"}, NO_ANSWER),
    "trickles": ({"mode": "trickle"}, NO_ANSWER),
    "closes": ({"mode": "down"}, NOT_TAKEN),
    "redirects": ({"mode": "status", "status": 302}, NOT_TAKEN),
    "wants our credentials": ({"mode": "status", "status": 401}, NOT_TAKEN),
    "fails": ({"mode": "status", "status": 500}, NOT_TAKEN),
    "throttles": ({"mode": "status", "status": 429, "retry_after": "3"}, NOT_TAKEN),
}


@pytest.fixture
async def hook(sink: Sink) -> AsyncIterator[str]:
    await sink.call("DELETE", "/messages")
    await sink.call("DELETE", "/faults")
    yield f"json://127.0.0.1:{sink.http}/hooks/apprise"
    await sink.call("DELETE", "/faults")


async def taken(sink: Sink) -> list[dict[str, Any]]:
    found = (await sink.call("GET", "/messages?kind=webhook"))["messages"]
    return [orjson.loads(message["body"]) for message in found]


async def test_title_and_text_arrive_as_they_were_written(sink: Sink, hook: str) -> None:
    assert await sender({"oncall": hook}).send(to("oncall"), WORKFLOW, inf) == Sent()
    (message,) = await taken(sink)
    assert (message["title"], message["message"]) == ("Shipped", "Order <A7> *is* on its way")
    assert (await sender({"oncall": f"{hook}?format=html"}).send(to("oncall"), WORKFLOW, inf)) == Sent()
    assert "&lt;A7&gt;" in (await taken(sink))[1]["message"], "data are no markup"


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_attempt_ends_and_the_next_is_taken(sink: Sink, hook: str, fault: str) -> None:
    plan, outcome = FAULTS[fault]
    sending = sender({"oncall": hook})
    await sink.call("PUT", "/faults", json={"webhook": plan})
    assert await sending.send(to("oncall"), WORKFLOW, inf) == outcome
    await sink.call("DELETE", "/faults")
    assert await sending.send(to("oncall"), WORKFLOW, inf) == Sent()
    assert len(await taken(sink)) == 1, "once"


async def test_a_server_that_is_silent_ends_its_threads_soon_after(sink: Sink, hook: str) -> None:
    sending = sender({"oncall": hook})
    await sink.call("PUT", "/faults", json={"webhook": {"mode": "hang"}})
    found = await asyncio.gather(*(sending.send(to("oncall"), WORKFLOW, inf) for _ in range(4)))
    assert found == [NO_ANSWER] * 4
    assert await sending.send(to("oncall"), WORKFLOW, inf) == STUCK
    await sink.call("DELETE", "/faults")

    async def again() -> bool:
        return await sending.send(to("oncall"), WORKFLOW, inf) == Sent()

    await until(again, what="a thread that is free", timeout=20)


async def test_one_that_is_slow_has_all_of_its_time(sink: Sink, hook: str) -> None:
    """Apprise itself would wait 4 seconds, and call it a no."""
    await sink.call("PUT", "/faults", json={"webhook": {"mode": "slow", "seconds": 4.5}})
    assert await sender({"oncall": hook}, 10).send(to("oncall"), WORKFLOW, inf) == Sent()


@asynccontextmanager
async def answering(head: str) -> AsyncIterator[str]:
    """A server that says this to everybody; where it is."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_messages_follow_each_other_without_a_pause() -> None:
    """Apprise itself would sleep 5.5 seconds between two, as it does for services that name no rate."""
    async with answering("200 OK") as server:
        sending = sender({"oncall": f"ntfy://{server}/topic"})
        assert [await sending.send(to("oncall"), WORKFLOW, inf) for _ in range(3)] == [Sent()] * 3


async def test_a_redirect_leads_nowhere(sink: Sink, hook: str) -> None:
    async with answering(f"307 Go\r\nLocation: {hook.replace('json', 'http', 1)}") as server:
        assert await sender({"oncall": f"json://{server}/"}).send(to("oncall"), WORKFLOW, inf) == NOT_TAKEN
    assert await taken(sink) == []


async def test_what_apprise_would_do_by_itself_is_ours_to_decide(sink: Sink, hook: str) -> None:
    """`optional` would call a failure a success, `retry` would be attempts that nobody counts."""
    plan = {"mode": "status", "status": 500, "times": 1}
    await sink.call("PUT", "/faults", json={"webhook": plan})
    assert (
        await sender({"oncall": f"{hook}?optional=yes&retry=3&wait=0.1"}).send(to("oncall"), WORKFLOW, inf) == NOT_TAKEN
    )
    assert await taken(sink) == []


async def test_nobody_there_is_a_failure_that_no_log_tells(caplog: pytest.LogCaptureFixture) -> None:
    (unused,) = free_ports(1)
    with caplog.at_level(logging.DEBUG, logger="apprise"):
        assert (
            await sender({"oncall": f"json://127.0.0.1:{unused}/T0KEN"}).send(to("oncall"), WORKFLOW, inf) == NOT_TAKEN
        )
    assert [record for record in caplog.records if record.name == "apprise"] == []
