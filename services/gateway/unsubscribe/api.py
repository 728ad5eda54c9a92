"""`/u/{token}`: GET shows a page and changes nothing, since mail scanners follow links; POST unsubscribes (RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.gateway.core.limits import MAX_UNSUBSCRIBE_BYTES
from services.gateway.unsubscribe.core.languages import preferred
from services.gateway.unsubscribe.core.page import FIELD, HEADERS, LANGUAGES, Page, page
from services.gateway.unsubscribe.unsubscriber import OutdatedLink, Unsubscriber
from shared.http.bodies import read_body
from shared.model.errors import InvalidProfile, Unavailable
from shared.model.formats import NewerFormat
from shared.model.signed_tokens import MAX_TOKEN
from shared.model.unsubscribing import UnsubscribeLink, read

log = structlog.get_logger()
UNSUBSCRIBE_PREFIX: Final = "/u"
_STATUS: Final = {Page.ASK: 200, Page.DONE: 200, Page.UNKNOWN: 404, Page.LATER: 503}


def unsubscribe_routes(unsubscriber: Unsubscriber, secrets: Sequence[bytes]) -> APIRouter:
    """No credential but the link; they stand in no OpenAPI document, since nobody builds such a link."""
    routes = APIRouter(prefix=UNSUBSCRIBE_PREFIX, include_in_schema=False)

    def link_of(token: str) -> UnsubscribeLink | None:
        return read(token, secrets) if len(token) <= MAX_TOKEN else None

    @routes.get("/{token}")
    async def show(request: Request, token: str) -> HTMLResponse:
        """The page that asks; 404 for what is no link of ours."""
        link = link_of(token)
        return _answer(request, Page.UNKNOWN if link is None else Page.ASK, link)

    @routes.post("/{token}")
    async def act(request: Request, token: str) -> HTMLResponse:
        """200 when whatever is accepted from now on obeys it; 400 without the form, which changes nothing."""
        link = link_of(token)
        body = await read_body(request, MAX_UNSUBSCRIBE_BYTES)
        if link is None:
            return _answer(request, Page.UNKNOWN)
        if not all(part.encode() in body for part in FIELD):  # in either encoding of a form
            return _answer(request, Page.ASK, link, status=400)
        try:
            await unsubscriber.unsubscribe(link)
        except OutdatedLink:
            return _answer(request, Page.UNKNOWN)
        except (Unavailable, NewerFormat, InvalidProfile, msgspec.ValidationError) as error:
            log.warning(
                "unsubscribe_failed", delivery=link.delivery, error=type(error).__name__, next="it is tried again"
            )
            return _answer(request, Page.LATER)
        log.info("unsubscribed", tenant=link.tenant, delivery=link.delivery)
        return _answer(request, Page.DONE, link)

    return routes


def _answer(request: Request, kind: Page, link: UnsubscribeLink | None = None, *, status: int = 0) -> HTMLResponse:
    language = preferred(request.headers.get("accept-language", ""), LANGUAGES, LANGUAGES[0])
    about = "" if link is None else link.category or link.workflow or ""
    headers = {**HEADERS, "Content-Language": language} | ({"Retry-After": "60"} if kind is Page.LATER else {})
    return HTMLResponse(page(kind, language, about), status or _STATUS[kind], headers=headers)
