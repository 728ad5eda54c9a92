"""Fan-outs under way: how far one is, and an end to it."""

from __future__ import annotations

import orjson
import pymongo
from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.ingest.admission import Admission
from services.ingest.models.audiences import FanoutShown, show_fanout
from services.ingest.openapi import operation
from services.ingest.topics_api import ANSWER_SECONDS
from shared.http.json_bodies import JSON
from shared.http.problems import Problem
from shared.model.fanouts import FanoutProgress
from shared.mongo.api_keys import Scope
from shared.mongo.fanouts import Fanouts


def fanout_routes(*, admission: Admission, fanouts: Fanouts) -> APIRouter:
    """`/v1/fanouts/{id}` and its cancel."""
    routes = APIRouter(prefix="/v1/fanouts", tags=["fanouts"])

    @routes.get(
        "/{fanout}",
        **operation("getFanout", "How far a fan-out is", answer=(200, FanoutShown), refusals=(404,)),
    )
    async def get(request: Request, fanout: str) -> Response:
        """200 with what is done so far."""
        caller = await admission.caller(request, Scope.SEND)
        with pymongo.timeout(ANSWER_SECONDS):
            return _shown(fanout, await fanouts.find(caller.tenant, fanout))

    @routes.post(
        "/{fanout}/cancel",
        **operation("cancelFanout", "Read no further page of a fan-out", answer=(200, FanoutShown), refusals=(404,)),
    )
    async def cancel(request: Request, fanout: str) -> Response:
        """200: nobody behind the page that is under way is notified. Who was goes on; one that is done stays done."""
        caller = await admission.caller(request, Scope.SEND)
        with pymongo.timeout(ANSWER_SECONDS):
            return _shown(fanout, await fanouts.cancel(caller.tenant, fanout))

    return routes


def _shown(fanout: str, found: FanoutProgress | None) -> Response:
    if found is None:
        raise Problem(
            404,
            "unknown_fanout",
            f"there is no fan-out {fanout[:60]!r}",
            fix="Look at `fanouts` in the 202 of the call.",
        )
    return Response(orjson.dumps(show_fanout(found)), media_type=JSON)
