"""The operators' API: how many of what, by minute, hour and day."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.console.analytics.core.asked import MAX_WORD, AskedRollups, asked_rollups, asked_times
from services.console.analytics.core.report import (
    DeliveryCounts,
    Grouped,
    Recounting,
    VariantComparison,
    count_rows,
    totals_row,
    variant_rows,
)
from services.console.analytics.core.series import Dimension
from services.console.analytics.marks import Marks
from services.console.analytics.reading import read_rollups
from services.console.analytics.recounting import recount
from services.console.api.callers import key_tenant
from services.console.api.openapi import answer, refusals
from shared.http.json_bodies import JSON
from shared.model.timestamps import rfc3339
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database
from shared.process.clock import now_ms

Word = Annotated[str | None, Query(max_length=MAX_WORD)]
From = Annotated[str | None, Query(alias="from", max_length=60, description="RFC 3339; 24 hours before `to`")]
To = Annotated[str | None, Query(max_length=60, description="RFC 3339, not included; now")]
BY: Final = "names with commas between them: " + ", ".join(Dimension)
STEP: Final = "minute, hour or day: a row for each; without it, one for all of the time"


def analytics_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """With an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1/analytics", tags=["analytics"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

    async def read(asked: AskedRollups) -> tuple[list[Grouped], int, int]:
        pending = await Marks(database).pending(asked.tenant, asked.start, asked.end)
        return *await read_rollups(database, asked), pending

    @routes.get("/deliveries", **answer(DeliveryCounts))
    async def deliveries(
        *,
        from_: From = None,
        to: To = None,
        by: Annotated[str | None, Query(max_length=MAX_WORD, description=BY)] = None,
        step: Annotated[str | None, Query(max_length=20, description=STEP)] = None,
        workflow: Word = None,
        channel: Word = None,
        provider: Word = None,
        variant: Word = None,
        locale: Word = None,
        outcome: Word = None,
        tenant: str = own,
    ) -> Response:
        """What became of notifications: counts by outcome and rates, in all or by minute, hour or day."""
        only = {
            "workflow": workflow, "channel": channel, "provider": provider, "variant": variant, "locale": locale,
            "outcome": outcome,
        }  # fmt: skip
        asked = asked_rollups(tenant, now_ms(), from_=from_, to=to, step=step, by=by, only=only)
        found, folded, pending = await read(asked)
        shown = DeliveryCounts(
            from_=rfc3339(asked.start),
            to=rfc3339(asked.end),
            step=asked.step,
            rows=count_rows(found, asked.by) if asked.by or asked.split else [],
            totals=totals_row(found),
            folded=folded,
            pending=pending,
        )
        return Response(msgspec.json.encode(shown), media_type=JSON)

    @routes.get("/variants", **answer(VariantComparison))
    async def variants(
        *,
        workflow: Annotated[str, Query(max_length=MAX_WORD)],
        channel: Word = None,
        from_: From = None,
        to: To = None,
        tenant: str = own,
    ) -> Response:
        """A workflow's variants beside each other, each rate with the size of its sample and its 95 % interval."""
        only = {"workflow": workflow, "channel": channel}
        asked = asked_rollups(tenant, now_ms(), from_=from_, to=to, step=None, by=Dimension.VARIANT, only=only)
        found, folded, pending = await read(asked)
        shown = VariantComparison(
            workflow=workflow,
            channel=channel,
            from_=rfc3339(asked.start),
            to=rfc3339(asked.end),
            variants=variant_rows(found),
            folded=folded,
            pending=pending,
        )
        return Response(msgspec.json.encode(shown), media_type=JSON)

    @routes.post("/recount", **answer(Recounting, status=202))
    async def recount_(from_: From = None, to: To = None, tenant: str = own) -> Response:
        """Count anew what the timeline still has of a time; what is older stays as it was counted."""
        start, end = asked_times(now_ms(), from_, to)
        start, marked = await recount(database, tenant, start, end)
        shown = Recounting(from_=rfc3339(start), to=rfc3339(end), marked=marked)
        return Response(msgspec.json.encode(shown), status_code=202, media_type=JSON)

    return routes
