"""What the page asks for: whom and what there is, tokens, sending, what became of it, the end of the gateway."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import msgspec
from fastapi import APIRouter, FastAPI, Query, Request, Response

from carillon.client import AsyncClient
from carillon.errors import ClientError, ProblemError
from sandbox.demo.received import token
from sandbox.playground.gateway import ComponentState, component_state, kill_gateway
from sandbox.playground.offers import Offer, offers, read_examples
from sandbox.playground.phones import PhoneOwner, introduce, owners, read_people
from sandbox.playground.sending import SendOrder, send
from sandbox.playground.shown import ShownNotification, shown_notification
from sandbox.provisioning import CATALOG
from sandbox.stack import Stack
from shared.catalog.files import read_folder
from shared.http.bodies import read_body
from shared.http.json_bodies import json_answer
from shared.http.problems import PROBLEM_JSON, Problem, respond, unavailable
from shared.process.clock import now_ms

MAX_TIMELINES: Final = 30


class PageBeginning(msgspec.Struct, frozen=True, kw_only=True):
    """What the page begins with."""

    people: list[PhoneOwner]
    workflows: list[Offer]
    urls: dict[str, str]
    component: ComponentState


def playground_routes(stack: Stack, state: Path, carillon: AsyncClient, http: aiohttp.ClientSession) -> APIRouter:
    """Over the stack's own services, as anybody else would ask them."""
    routes = APIRouter(prefix="/api")
    people = read_people(stack.urls["sink"], now_ms())

    @routes.get("/stage")
    async def stage() -> Response:
        await introduce(carillon, people)
        found = PageBeginning(
            people=owners(people),
            workflows=offers(await asyncio.to_thread(read_folder, CATALOG), read_examples()),
            urls=stack.urls,
            component=await component_state(http, stack.urls["gateway"]),
        )
        return json_answer(found)

    @routes.get("/tokens/{user}")
    async def give_token(user: str) -> Response:
        if user not in people:
            raise Problem(404, "not_found", "there is no such phone", fix=f"The phones are {', '.join(people)}.")
        return Response(token(stack, user), media_type="text/plain", headers={"Cache-Control": "no-store"})

    @routes.post("/notifications")
    async def notify(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await read_body(request), type=SendOrder)
        except msgspec.MsgspecError as error:
            raise Problem(422, "invalid_request", str(error), fix="Reload the page.") from error
        return json_answer(await send(carillon, order, now_ms()), 202)

    @routes.get("/timelines")
    async def timelines(id_: Annotated[list[str], Query(alias="id", max_length=MAX_TIMELINES)]) -> Response:
        found = await asyncio.gather(*(_look(carillon, each) for each in id_))
        return json_answer(_Timelines(notifications=[one for one in found if one is not None]))

    @routes.post("/gateway/kill")
    async def kill() -> Response:
        if not await kill_gateway(state, stack.ports["gateway"]):
            raise unavailable("nobody supervises this stack, or its gateway did not end")
        return json_answer({"killed": True}, 202)

    return routes


def install_refusals(app: FastAPI) -> None:
    """What a service refuses is answered as it said it; where none answers, that is said."""

    @app.exception_handler(ProblemError)
    async def on_problem(_: Request, error: ProblemError) -> Response:
        return Response(msgspec.json.encode(error.document), error.status, media_type=PROBLEM_JSON)

    @app.exception_handler(ClientError)
    async def on_silence(request: Request, error: ClientError) -> Response:
        return respond(unavailable(f"ingest or the console does not answer as it should: {error}"), request)


class _Timelines(msgspec.Struct, frozen=True, kw_only=True):
    notifications: list[ShownNotification]


async def _look(carillon: AsyncClient, notification: str) -> ShownNotification | None:
    """None while the console has not seen it. Raises ClientError."""
    try:
        timeline, why = await asyncio.gather(carillon.timeline(notification), carillon.why(notification))
    except ProblemError as error:
        if error.status == 404:
            return None
        raise
    return shown_notification(timeline, why)
