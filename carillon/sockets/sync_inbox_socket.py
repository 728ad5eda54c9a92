"""The same for programs without an event loop.

with SyncInboxSocket("wss://carillon.example.com/sockets", new_token, cursor=stored) as inbox:
    for event in inbox:
        show(event)
        store(inbox.cursor)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from carillon.arguments import checked_callback
from carillon.errors import UnreachableError
from carillon.sockets.commands import InboxCommand, InboxCommands
from carillon.sockets.events import SocketEvent
from carillon.sockets.inbox_socket import InboxSocket

T = TypeVar("T")


class SyncInboxSocket(InboxCommands[int]):
    """An InboxSocket in a thread with a loop of its own. Each call blocks; all but iterating from any thread.

    The token callback is called in a thread of its own and may block; `close` waits for it.
    """

    def __init__(self, url: str, token: Callable[[], str], *, cursor: str | None = None, **settings: Any) -> None:
        """`settings` and what is raised: as of InboxSocket."""
        checked_callback(token)
        self._socket = InboxSocket(url, lambda: asyncio.to_thread(token), cursor=cursor, **settings)
        self._cursor = cursor
        self._thread: threading.Thread | None = None
        self._loop: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._leave = asyncio.Event()
        self._returned = 0
        self._upcoming: tuple[int, asyncio.Future[SocketEvent | None]] | None = None
        self._closed = False
        self._lock = threading.Lock()
        """Nothing is given to a loop that is told to end: nobody would answer."""

    @property
    def cursor(self) -> str | None:
        """That of the last event which was returned: store it when the event was shown."""
        return self._cursor

    def __enter__(self) -> Self:
        """Begins to connect; does not wait for it."""
        if self._thread is not None:
            raise RuntimeError("a SyncInboxSocket is entered once: make another one, with the cursor of this one")
        self._thread = threading.Thread(target=asyncio.run, args=[self._serve()], name="inbox-socket", daemon=True)
        self._thread.start()
        self._loop.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, the iteration and the thread. May be called again, and from any thread."""
        if self._thread is None:
            return
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loop.result().call_soon_threadsafe(self._leave.set)
        self._thread.join()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> SocketEvent:
        try:
            event = self._call(self._next(self._returned))
        except _Closed:
            raise StopIteration from None
        except Exception:
            self._returned += 1
            raise
        if event is None:
            raise StopIteration
        self._cursor, self._returned = event.cursor or self._cursor, self._returned + 1
        return event

    def _command(self, command: InboxCommand) -> int:
        try:
            return self._call(self._socket._command(command))
        except _Closed:
            raise UnreachableError(f"{command.kind} was not sent, or not answered: the socket is closed") from None

    async def _next(self, number: int) -> SocketEvent | None:
        """The event behind so many. Who was interrupted asks for it again, and it is the same: nothing of it is lost."""
        if self._upcoming is None or self._upcoming[0] < number:
            self._upcoming = number, asyncio.ensure_future(anext(self._socket, None))
        return await asyncio.shield(self._upcoming[1])

    async def _serve(self) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        async with self._socket:
            await self._leave.wait()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        """Raises _Closed before or after the work was begun."""
        with self._lock:
            if self._thread is None or self._closed:
                work.close()
                if self._thread is None:
                    raise RuntimeError("use the socket as a context manager: with SyncInboxSocket(…) as inbox")
                raise _Closed
            waiting = asyncio.run_coroutine_threadsafe(work, self._loop.result())
        try:
            return waiting.result()
        except concurrent.futures.CancelledError:
            raise _Closed from None
        finally:
            waiting.cancel()  # of a caller who was interrupted: nobody waits for it


class _Closed(Exception):
    pass
