"""Request bodies, bounded in size and time."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from typing import Final

from fastapi import Request

from shared.http.problems import Problem

MAX_BODY: Final = 1_048_576
BODY_SECONDS: Final = 30
"""A client that sends slower than this holds a connection for nothing."""


async def read_body(request: Request, most: int = MAX_BODY) -> bytes:
    """The body without a byte order mark, never more than `most` bytes of it in memory. Raises Problem 408 or 413."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError as error:
        detail = f"the body did not arrive within {BODY_SECONDS} s"
        raise Problem(408, "request_timeout", detail, fix="Send the whole body at once.") from error
    return b"".join(parts).removeprefix(BOM_UTF8)


def _too_large(most: int) -> Problem:
    return Problem(413, "body_too_large", f"the body is larger than {most} bytes", fix="Send less, or in parts.")
