"""Opened and clicked: a pixel at the end of the HTML part, and links that lead over the gateway. Only where a template asks."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape
from typing import Final

import msgspec

from services.delivery.rendering.links import change_links
from shared.model.deliveries import Delivery
from shared.model.tracking import TRACKING_PATH, Tracked, TrackedLink, sign_tracked

FOLLOWED: Final = ("http://", "https://")
_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)


class Tracking:
    """Puts what a template asks for into the HTML of a delivery."""

    def __init__(self, public_url: str, secret: bytes) -> None:
        self._base = public_url.rstrip("/") + TRACKING_PATH
        self._secret = secret

    def in_html(self, html: str, delivery: Delivery, wanted: Collection[Tracked]) -> str:
        """`html` with it. A test is not tracked; a link too long to be signed stays as it is."""
        if not wanted or delivery.redirected or delivery.notification.test:
            return html
        pixel = TrackedLink(tenant=delivery.notification.tenant, delivery=delivery.id, generation=delivery.generation)
        if Tracked.CLICKS in wanted:
            html = change_links(html, lambda url: self._over_us(url, pixel))
        if Tracked.OPENS in wanted:
            html = self._with_pixel(html, pixel)
        return html

    def _over_us(self, url: str, about: TrackedLink) -> str | None:
        if not url.lower().startswith(FOLLOWED):
            return None
        token = sign_tracked(msgspec.structs.replace(about, url=url), self._secret)
        return None if token is None else self._base + token

    def _with_pixel(self, html: str, pixel: TrackedLink) -> str:
        image = f'<img src="{escape(self._base)}{sign_tracked(pixel, self._secret)}" width="1" height="1" alt="">'
        end = list(_END.finditer(html))
        place = end[-1].start() if end else len(html)
        return html[:place] + image + html[place:]
