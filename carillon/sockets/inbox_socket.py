"""A user's inbox, live. docs/sockets.md is the protocol.

async with InboxSocket("wss://carillon.example.com/sockets", new_token, cursor=stored) as inbox:
    async for event in inbox:
        show(event)
        store(inbox.cursor)
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from carillon.arguments import checked_callback, checked_cursor, checked_socket_address
from carillon.errors import CommandRejectedError, UnreachableError
from carillon.sockets.commands import InboxCommand, InboxCommands, PendingCommands
from carillon.sockets.connection import SocketConnection, SocketPlace, TokenCallback, open_http
from carillon.sockets.endings import Ending, Reconnects
from carillon.sockets.event_queue import EventQueue
from carillon.sockets.events import CommandAcknowledged, SocketEvent

log = logging.getLogger("carillon")
UNAVAILABLE: Final = "temporarily_unavailable"
REPEAT_SECONDS: Final = (0.2, 1.0)
COMMAND_FIXES: Final = {UNAVAILABLE: "call it again", "bad_command": "mend the call as the detail says"}


class InboxSocket(InboxCommands[Coroutine[Any, Any, int]]):
    """An async iterator over what happens in one user's inbox, and commands. Use it as a context manager.

    It comes back after every end that coming back can mend, with its cursor: each event is yielded once and in
    order. Iterating raises SocketEndedError when the gateway ends it for good, UnexpectedAnswerError when something
    else answers, and what the token callback raises. It ends after `close`. One task iterates at a time.
    """

    def __init__(
        self,
        url: str,
        token: TokenCallback,
        *,
        cursor: str | None = None,
        patience: float = 30.0,
        timeout: float = 20.0,
        max_wait: float = 30.0,
        give_up_after: float | None = None,
        max_queued: int = 1000,
    ) -> None:
        """`token` returns the user's JWT, or a coroutine of it, and is asked for each connection and each renewal.

        When it raises OSError, TimeoutError, UnreachableError or aiohttp.ClientError, it is asked again later.
        All times are seconds: `patience` for a command, reconnects included; `timeout` for a try to connect, up to
        the hello; `max_wait` bounds the wait between two tries; `give_up_after` without a connection iterating
        raises UnreachableError (None: never). Beyond `max_queued` events that nobody has taken it reads no more.
        Raises ValueError for what is no address of sockets, TypeError for a token in place of a function.
        """
        if max_queued < 1:
            raise ValueError("max_queued is at least 1")
        self._place = SocketPlace(url=checked_socket_address(url), token=checked_callback(token), timeout=timeout)
        self._patience = patience
        self._max_wait = max_wait
        self._give_up_after = give_up_after
        self._queue = EventQueue(max_queued, checked_cursor(cursor))
        self._pending = PendingCommands()
        self._http: aiohttp.ClientSession | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str | None:
        """That of the last event which was yielded: store it when the event was shown."""
        return self._queue.cursor

    async def __aenter__(self) -> Self:
        """Begins to connect; does not wait for it."""
        if self._http is not None:
            raise RuntimeError("an InboxSocket is entered once: make another one, with the cursor of this one")
        self._http = open_http()
        self._running = asyncio.create_task(self._run(self._http))
        self._running.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection and the iteration; takes two seconds at most. May be called again."""
        self._queue.close()
        self._pending.fail(UnreachableError("the socket was closed before the answer: it may have been done"))
        running, self._running = self._running, None
        try:
            if running is not None:
                running.cancel()
                await asyncio.wait([running])
        finally:
            if self._http is not None:
                await self._http.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SocketEvent:
        if self._http is None:
            raise RuntimeError("use the socket as a context manager: async with InboxSocket(…) as inbox")
        event = await self._queue.take()
        if event is None:
            raise StopAsyncIteration
        return event

    async def _command(self, command: InboxCommand) -> int:
        if self._http is None:
            raise RuntimeError("use the socket as a context manager: async with InboxSocket(…) as inbox")
        try:
            async with asyncio.timeout(self._patience):
                with self._queue.answer_awaited():
                    return await self._until_answered(command)
        except TimeoutError as error:
            raise UnreachableError(
                f"{command.kind} was not acknowledged within {self._patience:g} s: it may have been done"
            ) from error

    async def _until_answered(self, command: InboxCommand) -> int:
        while True:
            answer = await self._pending.ask(command)
            if isinstance(answer, CommandAcknowledged):
                return answer.updated
            if answer.code != UNAVAILABLE or not command.repeatable:
                fix = COMMAND_FIXES.get(answer.code, "see what the detail says")
                raise CommandRejectedError(f"{command.kind}: {answer.detail}", fix=fix, code=answer.code)
            await asyncio.sleep(random.uniform(*REPEAT_SECONDS))  # noqa: S311  # spreads clients, guards nothing

    async def _run(self, http: aiohttp.ClientSession) -> None:
        """Connections, one after the other. Raises when there is to be no other."""
        reconnects = Reconnects(max_wait=self._max_wait)
        time = asyncio.get_running_loop().time
        failing_since: float | None = None
        while True:
            await self._queue.readable()
            began = time()
            ending = await SocketConnection(self._place, self._queue, self._pending).run(http)
            self._pending.disconnected()
            delay = reconnects.after(ending)
            failing_since = None if ending.lasted is not None else began if failing_since is None else failing_since
            self._check_patience(ending, 0.0 if failing_since is None else time() - failing_since)
            level = logging.WARNING if ending.lasted is None else logging.INFO
            log.log(level, "socket ended: %s %s; again in %.1f s", ending.code, ending.reason, delay)
            await asyncio.sleep(delay)

    def _check_patience(self, ending: Ending, failing: float) -> None:
        if self._give_up_after is not None and failing >= self._give_up_after:
            raise UnreachableError(f"{self._place.url} could not be reached for {failing:.0f} s: {ending.reason}")

    def _ended(self, running: asyncio.Task[None]) -> None:
        """Whoever iterates or waits for an answer gets what it failed with, a mistake of ours, too."""
        error = None if running.cancelled() else running.exception()
        if error is not None:
            self._queue.fail(error)
            self._pending.fail(error)
