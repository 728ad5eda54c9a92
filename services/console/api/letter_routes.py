"""The operators' API: dead letters of deliveries, found, grouped and shown."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.console.api.callers import Id, key_tenant
from services.console.api.openapi import answer, refusals
from services.console.core.paging import PagePlace, cursor_of, place_of
from services.console.letters.core.answers import DeadLetterDetail, DeadLetterGroups, DeadLetterPage, detail, summary
from services.console.letters.core.letter_filter import (
    LetterFilter,
    WantedState,
    checked_filter,
)
from services.console.letters.store import DeadLetters
from shared.http.json_bodies import json_answer
from shared.http.problems import Problem
from shared.mongo.api_keys import ApiKeys
from shared.mongo.database import Database

PAGE: Final = 50
MAX_PAGE: Final = 500
_Text = Annotated[str | None, Query(max_length=300)]
_Wanted = Annotated[WantedState, Query(description="letters in this state, or in any")]


def letter_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

    @routes.get("", **answer(DeadLetterPage))
    async def page(
        wanted: Annotated[LetterFilter, Depends(asked_filter)],
        state: _Wanted = WantedState.OPEN,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        tenant: str = own,
    ) -> Response:
        """Deliveries that failed for good, the newest first; without addresses and contents."""
        after = place_of(cursor) if cursor else None
        rows = await DeadLetters(database).page(tenant, wanted, state, after=after, most=limit + 1)
        shown = rows[:limit]
        more = cursor_of(PagePlace(shown[-1]["at"], shown[-1]["_id"])) if len(rows) > limit else None
        return json_answer(DeadLetterPage(dead_letters=[summary(row) for row in shown], cursor=more))

    @routes.get("/groups", **answer(DeadLetterGroups))
    async def groups(
        wanted: Annotated[LetterFilter, Depends(asked_filter)],
        state: _Wanted = WantedState.OPEN,
        tenant: str = own,
    ) -> Response:
        """The same by channel, reason and code: how many, since when, what it means and what to do."""
        return json_answer(await DeadLetters(database).groups(tenant, wanted, state))

    @routes.get("/{letter}", **answer(DeadLetterDetail))
    async def one(letter: Id, tenant: str = own) -> Response:
        """One with what was to be sent and to where, how it failed, and what became of it."""
        letters = DeadLetters(database)
        row = await letters.find(tenant, letter)
        if row is None:
            raise unknown_letter()
        return json_answer(detail(row, await letters.became(row)))

    return routes


def asked_filter(
    *,
    channel: _Text = None,
    code: _Text = None,
    reason: _Text = None,
    workflow: _Text = None,
    user: _Text = None,
    since: _Text = None,
    until: _Text = None,
) -> LetterFilter:
    """The filter in a query. Raises Invalid."""
    return checked_filter({
        "channel": channel, "code": code, "reason": reason, "workflow": workflow, "user": user, "since": since,
        "until": until,
    })  # fmt: skip


def unknown_letter() -> Problem:
    """404, with where to look."""
    detail = "there is no such dead letter, it is not kept any more, or it is not yours"
    return Problem(404, "unknown_dead_letter", detail, fix="GET /v1/dead-letters?state=any shows what there is.")
