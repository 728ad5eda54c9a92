"""The HTTP side of the sink: webhooks come in, and what came in is read and told to fail here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from sandbox.sink.callbacks import CALLBACKS
from sandbox.sink.callbacks.caller import CallbackOrder, make
from sandbox.sink.faults import Plan, SinkFaults
from sandbox.sink.messages import Message, MessageKind, Messages
from sandbox.sink.misbehaviour import failing, plain
from sandbox.sink.providers import NAMES, PROVIDERS, TOKENS
from sandbox.sink.providers.edge import ProviderEdge, TokenEdge
from shared.process.clock import now_ms

PAGE: Final = Path(__file__).with_name("page.html")
MAX_BYTES: Final = 32 * 1_048_576


def make_app(messages: Messages, faults: SinkFaults, *, callback_url: str = "") -> web.Application:
    """POST /hooks/{name} and the providers' APIs · GET, DELETE /messages · GET, PUT, DELETE /faults · POST /callbacks/{provider}."""
    edge = _Edge(messages, faults, callback_url)
    app = web.Application(client_max_size=MAX_BYTES)
    app.add_routes(
        [
            web.post("/hooks/{name}", edge.receive),
            web.get("/", show),
            web.get("/messages", edge.find),
            web.delete("/messages", edge.forget),
            web.get("/faults", edge.tell_faults),
            web.put("/faults", edge.fail),
            web.delete("/faults", edge.heal),
            web.post("/callbacks/{provider}", edge.call_back),
            *(web.post(one.path, ProviderEdge(one, messages, faults).receive) for one in PROVIDERS),
            *(web.post(one.path, TokenEdge(one, faults).receive) for one in TOKENS),
        ]
    )
    return app


async def show(_: web.Request) -> web.FileResponse:
    """The page that shows what arrived."""
    return web.FileResponse(PAGE, headers={"Cache-Control": "no-cache"})


class _Edge:
    def __init__(self, messages: Messages, faults: SinkFaults, callback_url: str) -> None:
        self._messages = messages
        self._faults = faults
        self._callback_url = callback_url

    async def receive(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        body = await request.read()
        fault = self._faults.webhook(name)
        if fault is not None and (answer := await failing(fault, request, plain)) is not None:
            return answer
        self._messages.add(
            Message(
                kind=MessageKind.WEBHOOK,
                to=[name],
                at_ms=now_ms(),
                headers=[(header.lower(), value) for header, value in request.headers.items()],
                envelope={"method": request.method, "path": request.path_qs, "peer": str(request.remote)},
                body=body.decode(errors="replace"),
            )
        )
        return web.Response(status=204)

    async def find(self, request: web.Request) -> web.Response:
        try:
            kind = MessageKind(request.query["kind"]) if "kind" in request.query else None
            since = int(request.query.get("since", "0"))
        except ValueError as error:
            return _refuse(f"{error}; kind is one of {', '.join(MessageKind)}, since is a number")
        found = self._messages.find(kind, request.query.get("to"), since)
        return _json({"messages": found, **self._messages.counts()})

    async def forget(self, _: web.Request) -> web.Response:
        self._messages.clear()
        return web.Response(status=204)

    async def tell_faults(self, _: web.Request) -> web.Response:
        return _json(self._faults.plan)

    async def fail(self, request: web.Request) -> web.Response:
        try:
            plan = msgspec.json.decode(await request.read(), type=Plan)
        except msgspec.MsgspecError as error:
            return _refuse(str(error))
        if unknown := plan.providers.keys() - set(NAMES):
            return _refuse(f"{', '.join(sorted(unknown))}: no such provider; there are {', '.join(NAMES)}")
        self._faults.follow(plan)
        return _json(self._faults.plan)

    async def heal(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def call_back(self, request: web.Request) -> web.Response:
        """A provider tells what became of a message, and signs it."""
        provider = CALLBACKS.get(request.match_info["provider"])
        try:
            asked = msgspec.json.decode(await request.read(), type=CallbackOrder)
        except msgspec.MsgspecError as error:
            return _refuse(str(error))
        message = next(iter(self._messages.find(since=asked.message - 1)), None)
        if provider is None or message is None or message.n != asked.message:
            return _refuse(f"there is no such message, or no such provider; there are {', '.join(CALLBACKS)}")
        call = provider.call(message, asked, self._callback_url)
        if call is None:
            return _refuse("it was not told where to call back: set CARILLON_CALLBACK_URL")
        return _json(await make(call))


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _refuse(why: str) -> web.Response:
    return web.Response(status=422, body=msgspec.json.encode({"detail": why}), content_type="application/problem+json")
