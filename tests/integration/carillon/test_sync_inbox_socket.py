"""SyncInboxSocket: the same without a loop. The gateway's loop is the test's, the client stands in a thread."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from carillon import Hello, Notified, SocketEndedError, SyncInboxSocket, UnreachableError
from tests.integration.carillon.scripted_gateway import ScriptedGateway, Visit, token_of


def inbox_of(gateway: ScriptedGateway, *tokens: str, **settings) -> SyncInboxSocket:
    return SyncInboxSocket(gateway.url, token_of(*tokens), **{"max_wait": 0.02} | settings)


async def in_thread(work: Callable[[], Any]) -> Any:
    """What it returns; afterwards the client has no thread left."""
    try:
        async with asyncio.timeout(20):
            return await asyncio.to_thread(work)
    finally:
        assert [thread.name for thread in threading.enumerate() if "inbox-socket" in thread.name] == []


async def test_it_iterates_resumes_and_renews(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        assert (await visit.greet())["cursor"] == "stored"
        await visit.notify(0)
        await visit.say("token_expiring", seconds=30)
        assert await visit.hear() == {"type": "auth", "token": "t2"}
        visit.cut_off()

    async def second(visit: Visit) -> None:
        assert (await visit.greet("c0"))["cursor"] == "c0"
        await visit.notify(1)
        assert (await visit.answer())["ids"] == ["i0", "i1"]

    def work() -> str | None:
        with inbox_of(gateway, "t1", "t2", cursor="stored") as inbox:
            assert inbox.cursor == "stored"
            events = []
            for event in inbox:
                events.append(event)
                if isinstance(event, Notified) and event.item.offset == 1:
                    break
            assert inbox.read(["i0", "i1"]) == 2
            assert [type(event) for event in events] == [Hello, Notified, Hello, Notified]
            return inbox.cursor

    gateway.script = [first, second]
    assert await in_thread(work) == "c1"


async def test_it_raises_what_ended_it(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.socket.close(4400, "not JSON")

    def work() -> None:
        with inbox_of(gateway) as inbox:
            next(inbox)
            with pytest.raises(SocketEndedError, match="4400: not JSON"):
                next(inbox)

    gateway.script = [visit]
    await in_thread(work)


async def test_it_is_closed_from_another_thread(gateway: ScriptedGateway):
    """Whoever iterates leaves the loop, whoever waits for an answer is told."""
    waiting = asyncio.Event()

    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.hear()
        waiting.set()
        assert await visit.gone() == 1000

    def command(inbox: SyncInboxSocket) -> None:
        with pytest.raises(UnreachableError):
            inbox.seen(["i1"])

    gateway.script = [visit]
    inbox = inbox_of(gateway)
    with inbox:
        iterating = asyncio.ensure_future(asyncio.to_thread(list, inbox))
        commanding = asyncio.ensure_future(asyncio.to_thread(command, inbox))
        await asyncio.wait_for(waiting.wait(), 20)
        await in_thread(inbox.close)
        assert [type(event) for event in await iterating] == [Hello]
        await commanding
    assert list(inbox) == []
    with pytest.raises(UnreachableError, match="the socket is closed"):
        inbox.read(["i1"])


INTERRUPTED = """
import signal, sys
from carillon import SyncInboxSocket

signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background has it ignored
with SyncInboxSocket(sys.argv[1], lambda: "t1") as inbox:
    print(next(inbox).cursor, flush=True)
    try:
        next(inbox)
    except KeyboardInterrupt:
        print("interrupted", inbox.cursor, flush=True)
    print(next(inbox).cursor, flush=True)
"""


async def test_who_is_interrupted_while_waiting_loses_no_event(gateway: ScriptedGateway):
    proceed = asyncio.Event()

    async def visit(visit: Visit) -> None:
        await visit.greet()
        await proceed.wait()
        await visit.notify(0)
        assert await visit.gone() == 1000

    gateway.script = [visit]
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED, gateway.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            assert await program.stdout.readline() == b"c-hello\n"
            told = asyncio.ensure_future(program.stdout.readline())
            while not told.done():  # a signal before it waits is lost on the print
                program.send_signal(signal.SIGINT)
                await asyncio.wait([told], timeout=0.5)
            assert await told == b"interrupted c-hello\n"
            proceed.set()
            assert await program.stdout.read() == b"c0\n"
            assert await program.wait() == 0, (await program.stderr.read()).decode()
    finally:
        proceed.set()
        if program.returncode is None:
            program.kill()
            await program.wait()


async def test_who_is_interrupted_while_asking_loses_no_event(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
):
    """Between asking and waiting: what was asked goes on, and nobody waits for it."""

    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(0)
        await visit.notify(1)
        assert await visit.gone() == 1000

    def interrupted(*given: Any) -> None:
        submit(*given).result(20)
        raise KeyboardInterrupt

    gateway.script = [visit]
    submit = asyncio.run_coroutine_threadsafe

    def work() -> list[str | None]:
        with SyncInboxSocket(gateway.url, lambda: "t1") as inbox:
            cursors = [next(inbox).cursor]
            with monkeypatch.context() as patched:
                patched.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    next(inbox)
            return [*cursors, next(inbox).cursor, next(inbox).cursor]

    assert await in_thread(work) == ["c-hello", "c0", "c1"]


async def test_a_token_callback_may_block(gateway: ScriptedGateway):
    entered, go_on = threading.Event(), threading.Event()

    def token() -> str:
        entered.set()
        assert go_on.wait(20)
        return "t1"

    async def visit(visit: Visit) -> None:
        await visit.greet()

    def work() -> None:
        with SyncInboxSocket(gateway.url, token) as inbox:
            assert entered.wait(20)
            with pytest.raises(ValueError, match="1 to 100 ids"):  # the loop is not blocked
                inbox.read([])
            go_on.set()
            assert isinstance(next(inbox), Hello)

    gateway.script = [visit]
    await in_thread(work)


async def test_it_is_used_as_a_context_manager(gateway: ScriptedGateway):
    inbox = inbox_of(gateway)
    inbox.close()
    with pytest.raises(RuntimeError, match="with SyncInboxSocket"):
        next(inbox)
    with pytest.raises(RuntimeError, match="with SyncInboxSocket"):
        inbox.read(["i1"])
