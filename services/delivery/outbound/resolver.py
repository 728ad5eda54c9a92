"""Names to addresses, in threads of its own: dead names take none of those that others need, and are not asked twice.

Answers are cached by the connector; this remembers for a while that there was none. Of the threads one tenant has its
share: a name server that is silent keeps a thread for longer than anybody waits for it.
"""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Final
from weakref import WeakValueDictionary

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS: Final = 32
OF_TENANT: Final = 8
SECONDS: Final = 5.0
"""How long one look-up may take; a name server that is silent is given up before the attempt is."""
FAILED_SECONDS: Final = 30.0
MAX_FAILED: Final = 10_000
Infos = list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]]


TENANT: ContextVar[str] = ContextVar("tenant", default="")
"""Whose names are looked up: the resolver is called by the connector, which knows no tenants."""


class ResolverBusy(OSError):
    """Nobody was asked: the tenant's threads wait for names of which nobody says whether they are there."""


class NameNotFound(OSError):
    """The name has no address now, or nobody says which."""


class PooledResolver(AbstractResolver):
    """The system's resolver. A name is in at most one thread, whoever asks and however long it takes there."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        self._under_way: dict[tuple[str, int, int], asyncio.Future[Infos]] = {}
        self._failed: dict[str, float] = {}
        self._of_tenant: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """As aiohttp's. Raises NameNotFound, ResolverBusy, UnicodeError for what is no name."""
        if time.monotonic() < self._failed.get(host, 0.0):
            raise NameNotFound("name_not_found_before")
        looking: asyncio.Future[Infos] | None = None
        try:
            async with asyncio.timeout(SECONDS):
                looking = await self._look_up(host, port, family)
                infos = await asyncio.shield(looking)
        except (TimeoutError, socket.gaierror) as error:
            if looking is None or (isinstance(error, TimeoutError) and len(self._under_way) > THREADS):
                raise ResolverBusy("resolver_busy") from error
            if len(self._failed) >= MAX_FAILED:
                self._failed.clear()
            self._failed[host] = time.monotonic() + FAILED_SECONDS
            raise NameNotFound(type(error).__name__) from error
        self._failed.pop(host, None)
        return [_result(host, found_family, proto, address) for found_family, _, proto, _, address in infos]

    async def close(self) -> None:
        """Ends the threads; what is under way in one is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int, family: socket.AddressFamily) -> asyncio.Future[Infos]:
        """Waits for a thread of the tenant's share; then the look-up goes on whether it is waited for or not."""
        name = (host, port, family)
        if name in self._under_way:
            return self._under_way[name]
        share = self._of_tenant.setdefault(TENANT.get(), asyncio.Semaphore(OF_TENANT))
        await share.acquire()
        if name in self._under_way:
            share.release()
            return self._under_way[name]
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._pool, _getaddrinfo, host, port, family)
        self._under_way[name] = looking
        looking.add_done_callback(lambda done: self._ended(name, share, done))
        return looking

    def _ended(self, name: tuple[str, int, int], share: asyncio.Semaphore, done: asyncio.Future[Infos]) -> None:
        del self._under_way[name]
        share.release()
        if not done.cancelled():
            done.exception()  # whoever asked may have given up


def _getaddrinfo(host: str, port: int, family: socket.AddressFamily) -> Infos:
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)  # type: ignore[return-value]


def _result(host: str, family: int, proto: int, address: tuple[str, int] | tuple[str, int, int, int]) -> ResolveResult:
    text = address[0]
    if len(address) == 4 and address[3]:
        text = f"{text.partition('%')[0]}%{address[3]}"  # a link-local one is of an interface
    return ResolveResult(
        hostname=host,
        host=text,
        port=address[1],
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
