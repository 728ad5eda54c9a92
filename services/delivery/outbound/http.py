"""One POST to somebody else's server: guarded, not redirected, bounded in time and in what is read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Final

import aiohttp
import msgspec
import orjson
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from services.delivery.core.attempts import LeaseTooShort
from services.delivery.core.meanings import UNREADABLE_ANSWER
from services.delivery.outbound.guard import Forbidden, Guard, GuardedResolver
from services.delivery.outbound.http_connection import open_session, was_used_before
from services.delivery.outbound.resolver import TENANT, PooledResolver, ResolverBusy
from services.delivery.outbound.retry_after import parse_retry_after

MAX_READ: Final = 65_536
DNS_SECONDS: Final = 30
KEPT_SECONDS: Final = 4
"""How long an idle connection is kept: less than servers keep theirs (Node.js: 5 s). A request that meets the end of its
connection may have been taken or not, and nobody can tell."""
_ENDS: Final = (aiohttp.ServerDisconnectedError, ConnectionError, aiohttp.ClientOSError)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is posted; `headers` has the Content-Type."""

    url: str
    headers: dict[str, str]
    body: bytes


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; names of headers have no case. Of the body no more than MAX_READ bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    def json(self) -> dict[str, object]:
        """The body, where it is a JSON object; empty where it is anything else."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    def retry_after_ms(self, now: int) -> int | None:
        """How long it asks us to wait, in milliseconds; None when it does not. `now` in milliseconds since the epoch."""
        return parse_retry_after(self.headers.get("Retry-After"), now)


class Trouble(StrEnum):
    """Why there is no answer."""

    FORBIDDEN = "forbidden"
    """The address leads into our own network: nothing was sent."""
    INVALID_URL = "invalid_url"
    BUSY = "resolver_busy"
    """Nobody was asked: too many names are being looked up."""
    UNREACHABLE = "unreachable"
    """No connection came about."""
    BROKEN = "broken"
    """The connection broke, or was silent for too long, before anything was written."""
    UNCONFIRMED = "unconfirmed"
    """The same, after the request was written: it may have been taken."""
    UNREADABLE = "unreadable"
    """What came is no HTTP, or too much of it: somebody is there, and may have taken it."""
    ENDED = "ended"
    """A connection that was used before ended after the request was written: most likely the other side had closed it
    meanwhile, but it may have taken the request."""


class NoAnswer(msgspec.Struct, frozen=True):
    """What happened instead of an answer; `code` names it."""

    trouble: Trouble
    code: str


class _Body(aiohttp.BytesPayload):
    """The body of one POST. It looks at the time when there is a connection, right before anything is written to it."""

    def __init__(self, content: bytes, send_before: float) -> None:
        super().__init__(content)
        self._send_before = send_before
        self.too_late = False
        """Nothing was written: the connection came after its time."""
        self.written = False
        """From here on the other side may have taken it."""
        self.used_before = False
        """The connection has carried another request."""

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """aiohttp's hook; the headers are written with the first byte of the body."""
        if time.monotonic() >= self._send_before:
            self.too_late = True
            raise TimeoutError
        self.written = True
        self.used_before = was_used_before(writer)
        await super().write_with_length(writer, content_length)


class HttpClient:
    """Keeps connections open; connects with the first `post`.

    With a guard every address of a name is checked, as for what users name; without one the operator has named it.
    """

    def __init__(self, *, timeout_seconds: float, guard: Guard | None = None) -> None:
        self._guard = guard
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, request: HttpRequest, send_before: float, *, tenant: str
    ) -> HttpAnswer | NoAnswer | LeaseTooShort:
        """One POST within the time limit. LeaseTooShort: nothing was written by `send_before` (monotonic seconds).

        `tenant`: whose share of the look-ups of names it takes.
        """
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        body = _Body(request.body, send_before)
        TENANT.set(tenant)
        try:
            # Its bytes as they were given: a signature in them would not be the same after quoting anew.
            url = URL(request.url, encoded=True)
            if self._guard is not None:
                self._guard.check_host(url.host or "")
            async with self._open().post(
                url, data=body, headers=request.headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                return HttpAnswer(status=response.status, headers=response.headers, body=await _read(response))
        except Forbidden:
            return NoAnswer(Trouble.FORBIDDEN, "forbidden_address")
        except aiohttp.ClientConnectorError as error:
            return _not_connected(error)
        except (ValueError, aiohttp.NonHttpUrlClientError):  # InvalidURL is a ValueError, too
            return NoAnswer(Trouble.INVALID_URL, "invalid_url")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if body.too_late:
                return LeaseTooShort()
            if not body.written:
                return NoAnswer(Trouble.BROKEN, type(error).__name__)
            if isinstance(error, aiohttp.ClientResponseError):
                return NoAnswer(Trouble.UNREADABLE, UNREADABLE_ANSWER)
            ended = body.used_before and isinstance(error, _ENDS) and not isinstance(error, TimeoutError)
            return NoAnswer(Trouble.ENDED if ended else Trouble.UNCONFIRMED, type(error).__name__)

    async def close(self) -> None:
        """Ends the connections; may be called twice."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No limit of its own: the lanes' slots are the limit, and one lane's must not be the other's. What is
            # cached (1000 names at most) has been checked.
            resolver = PooledResolver() if self._guard is None else GuardedResolver(self._guard)
            connector = aiohttp.TCPConnector(
                resolver=resolver,
                limit=0,
                use_dns_cache=True,
                ttl_dns_cache=DNS_SECONDS,
                keepalive_timeout=KEPT_SECONDS,
            )
            self._session = open_session(connector)
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The status is the answer; the body says more, and is read so that the connection can be used again."""
    read = bytearray()
    with suppress(aiohttp.ClientError, TimeoutError, OSError):
        while len(read) < MAX_READ and (chunk := await response.content.read(MAX_READ - len(read))):
            read += chunk
    return bytes(read)


def _not_connected(error: aiohttp.ClientConnectorError) -> NoAnswer:
    if isinstance(error.os_error, Forbidden):
        return NoAnswer(Trouble.FORBIDDEN, "forbidden_address")
    if isinstance(error.os_error, ResolverBusy):
        return NoAnswer(Trouble.BUSY, "resolver_busy")
    return NoAnswer(Trouble.UNREACHABLE, "unreachable")
