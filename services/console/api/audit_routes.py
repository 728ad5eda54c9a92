"""The operators' API: who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.console.api.callers import key_tenant
from services.console.api.openapi import answer, refusals
from services.console.core.paging import PagePlace, cursor_of, place_of
from services.console.letters.core.audit_page import AuditPage, AuditShown
from shared.http.json_bodies import JSON
from shared.model.audit import AuditAction
from shared.model.errors import Invalid
from shared.model.timestamps import from_datetime, parse_rfc3339, rfc3339, to_datetime
from shared.mongo.api_keys import ApiKeys
from shared.mongo.audit import AuditLog, AuditPlace, AuditRow
from shared.mongo.database import Database

PAGE: Final = 50
MAX_PAGE: Final = 500


def audit_routes(database: Database, keys: ApiKeys) -> APIRouter:
    """Reading only, with an API key that has the scope `operate`; the tenant comes from it."""
    routes = APIRouter(prefix="/v1", tags=["audit"], responses=refusals(401, 403, 404, 422, 503))
    own = Depends(key_tenant(keys))

    @routes.get("/audit", **answer(AuditPage))
    async def page(
        action: Annotated[AuditAction | None, Query()] = None,
        since: Annotated[str | None, Query(max_length=60)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        tenant: str = own,
    ) -> Response:
        """Who did what, the newest first: redrives, discards, stops, changed settings."""
        after = AuditPlace(*place_of(cursor)) if cursor else None
        rows = await AuditLog(database).page(
            tenant, action=action, since=_instant(since) if since else None, after=after, most=limit + 1
        )
        shown = rows[:limit]
        more = cursor_of(PagePlace(shown[-1]["at"], shown[-1]["_id"])) if len(rows) > limit else None
        entries = AuditPage(entries=[_shown(row) for row in shown], cursor=more)
        return Response(msgspec.json.encode(entries), media_type=JSON)

    return routes


def _instant(text: str) -> datetime:
    try:
        return to_datetime(parse_rfc3339(text))
    except ValueError as error:
        raise Invalid("invalid_filter", "since must be an RFC 3339 time, as 2026-01-05T08:00:00Z", "/since") from error


def _shown(row: AuditRow) -> AuditShown:
    return AuditShown(
        id=row["_id"],
        at=rfc3339(from_datetime(row["at"])),
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        details=row["details"],
    )
