"""The gateway behind the pages' own port: its inbox API, and its sockets at `/ws`. As any proxy would stand there."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

MAX_BODY: Final = 65_536
MAX_MESSAGE: Final = 2 * 1_048_576
SENT: Final = ("Authorization", "Content-Type")
SHOWN: Final = ("Content-Type", "Retry-After", "Cache-Control", "WWW-Authenticate")
LOST: Final = 1012
"""To a page whose gateway has gone without a word: come back."""
_SENDABLE: Final = range(1000, 5000)
_RESERVED: Final = frozenset({1004, 1005, 1006, 1015})


class GatewayProxy:
    """Passes on what pages of this origin ask; who they are, their tokens and tickets say."""

    def __init__(self, http: aiohttp.ClientSession, *, gateway: str, sockets: str) -> None:
        self._http = http
        self._gateway = gateway
        self._sockets = sockets

    async def api(self, request: web.Request) -> web.StreamResponse:
        """One call of the inbox API; 502 while nobody answers."""
        headers = {name: request.headers[name] for name in SENT if name in request.headers}
        body = await request.read()
        url = self._gateway + request.path_qs
        try:
            async with self._http.request(request.method, url, data=body, headers=headers) as answer:
                kept = CIMultiDict({name: answer.headers[name] for name in SHOWN if name in answer.headers})
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web.HTTPBadGateway(text="the gateway does not answer") from error

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """One socket, until either side ends it; 502 while nobody answers."""
        try:
            behind = await self._http.ws_connect(
                f"{self._sockets}/ws?{request.query_string}", max_msg_size=MAX_MESSAGE, autoclose=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web.HTTPBadGateway(text="the gateway does not answer") from error
        async with behind:
            page = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, autoclose=False)
            await page.prepare(request)
            ways = {asyncio.create_task(_pass_on(behind, page)), asyncio.create_task(_pass_on(page, behind))}
            _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            await page.close(code=_code(behind.close_code))
        return page


class _Side(Protocol):
    async def receive(self) -> aiohttp.WSMessage: ...

    async def send_str(self, data: str) -> None: ...


async def _pass_on(one: _Side, other: _Side) -> None:
    """Until one ends, or other is gone."""
    try:
        while (message := await one.receive()).type is aiohttp.WSMsgType.TEXT:
            await other.send_str(message.data)
    except ConnectionError:
        return


def _code(code: int | None) -> int:
    """What may be sent of how the gateway ended it."""
    return code if code is not None and code in _SENDABLE and code not in _RESERVED else LOST
