"""What an HTTP server does that is told to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp import web

from sandbox.sink.faults import HttpFault, HttpMode

HUGE: Final = 1_073_741_824
CHUNK: Final = bytes(65_536)
Refuse = Callable[[HttpFault], web.Response]
"""The answer of a fault that has a status, in the words of whoever it is."""


def plain(fault: HttpFault) -> web.Response:
    """A refusal of nobody in particular."""
    return web.Response(status=fault.status, text="told to fail, says the sink")


async def failing(fault: HttpFault, request: web.Request, refuse: Refuse) -> web.StreamResponse | None:
    """The answer that it gives instead of its usual one; None: it gives that one, later."""
    match fault.mode:
        case HttpMode.SLOW:
            await asyncio.sleep(fault.seconds)
            return None
        case HttpMode.HANG:
            await asyncio.sleep(3600)
        case HttpMode.TRICKLE:
            return await _pour(request, b" ", every=1.0)
        case HttpMode.HUGE:
            return await _pour(request, CHUNK, every=0.0)
        case HttpMode.GARBAGE:
            return web.Response(body=b"\xff\x00<html>{[", content_type="application/json")
        case HttpMode.DOWN if request.transport is not None:
            request.transport.abort()
        case _:
            pass
    answer = refuse(fault)
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


async def _pour(request: web.Request, part: bytes, *, every: float) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(HUGE // len(CHUNK)):
        try:
            await response.write(part)
        except ConnectionError:
            break  # the client has had enough
        await asyncio.sleep(every)
    return response
