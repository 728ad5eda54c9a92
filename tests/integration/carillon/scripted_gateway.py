"""A gateway on a loopback port that says what a test tells it to, one visit of the client after the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from carillon import InboxSocket, Notified
from carillon.sockets.connection import TokenCallback
from tests.support.wait import until


class Visit:
    """One connection of the client, seen from the gateway."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hear(self) -> dict:
        return json.loads(await self.socket.recv())

    async def say(self, kind: str, **fields) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def greet(self, cursor: str = "c-hello", **fields) -> dict:
        """Hears the auth, and says hello."""
        auth = await self.hear()
        assert auth["type"] == "auth", auth
        await self.say("hello", cursor=cursor, user="ana", **counts(), **fields)
        return auth

    async def notify(self, *offsets: int, **fields) -> None:
        for offset in offsets:
            item = {"id": f"i{offset}", "workflow": "w", "offset": offset, "created_at": 1, "title": f"title {offset}"}
            await self.say("notification", item=item, cursor=f"c{offset}", **counts(), **fields)

    async def answer(self) -> dict:
        """Hears a command, and says ok."""
        command = await self.hear()
        await self.say("ok", **{"for": command["type"]}, ref=command["ref"], updated=len(command.get("ids", "1234567")))
        return command

    def cut_off(self) -> None:
        """Ends the connection in the middle of a message."""
        self.socket.transport.write(bytes([0x81, 120]) + b'{"type":"notification","it')
        self.socket.transport.abort()

    async def gone(self) -> int | None:
        """Waits until the client is gone; the close code that it said."""
        await self.socket.wait_closed()
        return self.socket.close_code


def counts(unread: int = 0) -> dict:
    return {"unread": unread, "as_of": {"offset": 0, "at": 1}}


def token_of(*tokens: str) -> Callable[[], str]:
    left = list(tokens or ("t1",))
    return lambda: left.pop(0) if len(left) > 1 else left[0]


Script = Callable[[Visit], Awaitable[object]]


class ScriptedGateway:
    """Plays `script`, a visit after the other; `answers` are given in place of the first handshakes."""

    def __init__(self) -> None:
        self.url = ""
        self.script: list[Script] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.visits = 0
        self.failures: list[BaseException] = []

    def inbox(self, *tokens: str, token: TokenCallback | None = None, **settings) -> InboxSocket:
        """A client whose waits are short; it shows the tokens one after the other, the last one again and again."""
        return InboxSocket(self.url, token or token_of(*tokens), **{"max_wait": 0.02} | settings)

    async def visited(self, count: int) -> None:
        async def enough() -> bool:
            return self.visits >= count

        await until(enough, what=f"{count} visits", timeout=20, every=0.005)

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if not self.answers:
            return None
        status, headers = self.answers.pop(0)
        response = socket.respond(status, "not now\n")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    async def play(self, socket: ServerConnection) -> None:
        self.visits += 1
        try:
            await self.script.pop(0)(Visit(socket))
        except ConnectionClosed:
            pass
        except BaseException as error:
            self.failures.append(error)
            raise
        await socket.wait_closed()


@asynccontextmanager
async def scripted() -> AsyncIterator[ScriptedGateway]:
    """Fails when a visit did, or when the client has left a task behind."""
    gateway = ScriptedGateway()
    server = await serve(gateway.play, "127.0.0.1", 0, process_request=gateway.admit, close_timeout=1)
    gateway.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    try:
        yield gateway
        assert gateway.failures == []
        assert tasks_of_the_client() == []
    finally:
        server.close()
        async with asyncio.timeout(20):  # a visit that waits for what never comes is a failure, no standstill
            await server.wait_closed()


def tasks_of_the_client() -> list[str]:
    return [str(task) for task in asyncio.all_tasks() if "/carillon/sockets/" in task.get_coro().cr_code.co_filename]


async def take(inbox: InboxSocket, count: int) -> list:
    async with asyncio.timeout(20):
        return [await anext(inbox) for _ in range(count)]


def offsets(events: list) -> list[int]:
    return [event.item.offset for event in events if isinstance(event, Notified)]
