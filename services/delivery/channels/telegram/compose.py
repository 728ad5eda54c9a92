"""What a message on Telegram says, and the button below it."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import message_text, one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import ParseMode, TelegramTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_UNITS: Final = 4096
"""UTF-16 code units of a message, its markup not counted."""
_TAG: Final = re.compile("<[^<>]*+>")


def compose(
    delivery: Delivery, workflow: Workflow, links: SafeLinks, tenant: TenantSettings | None
) -> dict[str, object]:
    """The parameters of `sendMessage` but for the chat; all texts in one locale.

    A button whose text or link is empty, or whose link may not be followed, is left out. Raises RenderFailed, `too_long`
    above MAX_UNITS.
    """
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.TELEGRAM)
    if not isinstance(template, TelegramTemplate):
        raise RenderFailed("no_template")
    button = template.button
    sources = [template.text, *((button.text, button.url) if button is not None else ())]
    source, *of_button = one_locale(sources, delivery.locale)
    values, html = context(delivery, tenant), template.parse_mode is ParseMode.HTML
    text = message_text(render(source, None, values, html=html))
    if html:
        text = links.in_html(text, source)
    if _units(unescape(_TAG.sub("", text)) if html else text) > MAX_UNITS:
        raise RenderFailed("too_long")
    said: dict[str, object] = {"text": text}
    if html:
        said["parse_mode"] = ParseMode.HTML.value
    if of_button:
        label, url = (one_line(render(each, None, values)) for each in of_button)
        if label and url and links.allows(url, of_button[1]):
            said["reply_markup"] = {"inline_keyboard": [[{"text": _encodable(label), "url": _encodable(url)}]]}
    return said


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _encodable(text: str) -> str:
    """Raises RenderFailed for what no UTF has."""
    return message_text(text)
