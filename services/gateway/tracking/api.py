"""`/t/{token}`: the pixel of an e-mail, or the way to where a link of it leads. No credential but the signature."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from services.gateway.tracking.tracker import Tracker
from shared.model.tracking import TRACKING_PATH, read_tracked

PIXEL: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent GIF of one pixel."""
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def tracking_routes(tracker: Tracker, secrets: Sequence[bytes]) -> APIRouter:
    """They stand in no OpenAPI document, since nobody builds such a link. A HEAD is no reader, and is not counted."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(TRACKING_PATH + "{token}")
    async def followed(token: str) -> Response:
        """Where it leads stands in what we signed: there is no other way out of here."""
        link = read_tracked(token, secrets)
        if link is None:
            return PlainTextResponse("This link is not one of ours, or not whole.\n", 404, HEADERS)
        await tracker.tell(link)
        if link.url is None:
            return Response(PIXEL, media_type="image/gif", headers=HEADERS)
        return RedirectResponse(link.url, 302, HEADERS)

    return routes
