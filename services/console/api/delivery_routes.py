"""The operators' API: deliveries by what they are about, by state, and by whom they are for."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.console.api.callers import key_tenant
from services.console.api.openapi import answer, refusals
from services.console.core.paging import PagePlace, cursor_of, place_of
from services.console.deliveries.core.delivery_filter import ANY_OPEN, MAX_TEXT, STATES, DeliveryFilter, check_filter
from services.console.deliveries.core.listed import DeliveryPage, listed
from services.console.deliveries.store import DeliveryStates
from shared.http.json_bodies import json_answer
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database

PAGE: Final = 50
MAX_PAGE: Final = 500
_Text = Annotated[str | None, Query(max_length=MAX_TEXT)]
_Subject = Annotated[str | None, Query(max_length=MAX_TEXT, description="what its event is about, as complaint/123")]
_State = Annotated[
    str | None,
    Query(
        max_length=MAX_TEXT, description=f"some of {', '.join(STATES)}, comma separated; or {ANY_OPEN}: more is to come"
    ),
]


def delivery_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading only, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

    @routes.get("", **answer(DeliveryPage))
    async def page(
        wanted: Annotated[DeliveryFilter, Depends(asked_filter)],
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        tenant: str = own,
    ) -> Response:
        """Where deliveries stand, those accepted last first; notifications that wait, or went nowhere, among them."""
        after = place_of(cursor) if cursor else None
        rows = await DeliveryStates(database).page(tenant, wanted, after=after, most=limit + 1)
        shown = rows[:limit]
        more = cursor_of(PagePlace(shown[-1]["accepted_at"], shown[-1]["_id"])) if len(rows) > limit else None
        return json_answer(DeliveryPage(deliveries=[listed(row) for row in shown], cursor=more))

    return routes


def asked_filter(
    *,
    subject: _Subject = None,
    state: _State = None,
    channel: _Text = None,
    workflow: _Text = None,
    user: _Text = None,
    since: _Text = None,
    until: _Text = None,
) -> DeliveryFilter:
    """The filter in a query. Raises Invalid."""
    wanted = DeliveryFilter(
        subject=subject, state=state, channel=channel, workflow=workflow, user=user, since=since, until=until
    )
    check_filter(wanted)
    return wanted
