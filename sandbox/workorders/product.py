"""The product's own backend: what its pages ask of it, by `carillon.integrations.workorders`."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from carillon.errors import ClientError, ProblemError
from carillon.integrations.workorders import WorkOrderNotifications
from sandbox.demo.received import token
from sandbox.stack import Stack
from sandbox.workorders.people import PEOPLE, TECHNICIAN, WORK_ORDERS

T = TypeVar("T")
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
NO_STORE: Final = {"Cache-Control": "no-store"}


class UpdateForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the technician says of a work order."""

    status: Line
    notes: str | None = None
    issues: str | None = None
    alert_office: bool = False


class MessageForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the office writes: to the technician, or to everybody."""

    message: Line
    priority: str = "normal"
    to_everybody: bool = False


class Product:
    """Its calls; each answers when what it sends is durable."""

    def __init__(self, stack: Stack, orders: WorkOrderNotifications) -> None:
        self._stack = stack
        self._orders = orders

    def routes(self) -> list[web.RouteDef]:
        """GET /api/tokens/{user}, /api/work-orders · POST /api/work-orders/{id}, /api/messages."""
        return [
            web.get("/api/tokens/{user}", self.give_token),
            web.get("/api/work-orders", self.list_orders),
            web.post("/api/work-orders/{number}", self.update),
            web.post("/api/messages", self.write),
        ]

    async def give_token(self, request: web.Request) -> web.Response:
        """What whoever logs in would get; here one of two, without a password."""
        user = request.match_info["user"]
        if user not in PEOPLE:
            raise web.HTTPNotFound(text=f"the people are {', '.join(PEOPLE)}")
        return web.Response(text=token(self._stack, user), headers=NO_STORE)

    async def list_orders(self, _: web.Request) -> web.Response:
        """The technician's."""
        return web.json_response([{"id": number, "title": title} for number, title in WORK_ORDERS.items()])

    async def update(self, request: web.Request) -> web.Response:
        """As the document's `handle_work_order_update`."""
        number = request.match_info["number"]
        if number not in WORK_ORDERS:
            raise web.HTTPNotFound(text=f"the work orders are {', '.join(WORK_ORDERS)}")
        said = await _form(request, UpdateForm)
        event = await self._orders.handle_work_order_update(
            number, said.status, said.notes or None, said.issues or None, said.alert_office
        )
        return web.json_response({"event": event}, status=202)

    async def write(self, request: web.Request) -> web.Response:
        """A manual notification, or a broadcast."""
        said = await _form(request, MessageForm)
        try:
            if said.to_everybody:
                made = await self._orders.broadcast(said.message, said.priority)
            else:
                made = await self._orders.send_manual_notification(TECHNICIAN, said.message, said.priority)
        except ValueError as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        return web.json_response({"id": made}, status=202)


async def _form(request: web.Request, form: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=form)
    except msgspec.MsgspecError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from error


@web.middleware
async def tell_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the platform refuses is answered as it said it; where it does not answer, that is said."""
    try:
        return await handler(request)
    except ProblemError as error:
        body = msgspec.json.encode(error.document)
        return web.Response(body=body, status=error.status, content_type="application/problem+json")
    except ClientError as error:
        raise web.HTTPServiceUnavailable(text=f"the platform does not answer: {error}") from error
