"""A connection of HTTP/1.1: how long the head of an answer may be, and whether the connection was used before.

aiohttp bounds each line of a head and their number; the product of what real servers need of both is too much.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_writer import StreamWriter

MAX_LINE: Final = 65_536
MAX_HEADERS: Final = 1_000
MAX_HEAD: Final = 131_072
"""All lines together, as far as they do not come at once."""


class _Connection(ResponseHandler):
    """It ends when the head of an answer does not."""

    requests = 0
    _room: int | None = None
    """So many more bytes may be read before the head has ended; None: it has."""

    def set_response_params(self, **params: Any) -> None:
        """aiohttp's hook: a request begins."""
        self.requests += 1
        self._room = MAX_HEAD
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """aiohttp's hook: the head has been read. After one that only informs (1xx) another one comes."""
        self._room = MAX_HEAD if 100 <= data[0].code < 200 else None
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """asyncio's hook."""
        super().data_received(data)
        if self._room is None:
            return
        self._room -= len(data)
        if self._room < 0:
            if self.transport is not None:
                self.transport.close()
            self.set_exception(HttpProcessingError(code=400, message="the head is too long"))


def open_session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """A session over such connections; it reads no cookies and unpacks nothing."""
    loop = asyncio.get_running_loop()
    # It has no other way to choose the protocol.
    connector._factory = partial(_Connection, loop=loop)  # type: ignore[assignment]  # mypy has partial invariant
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        max_headers=MAX_HEADERS,
    )


def was_used_before(writer: AbstractStreamWriter) -> bool:
    """Whether this connection of such a session has carried another request."""
    protocol = writer.protocol if isinstance(writer, StreamWriter) else None
    return isinstance(protocol, _Connection) and protocol.requests > 1
