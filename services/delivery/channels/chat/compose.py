"""A chat message: its texts in Slack's mrkdwn, in which data mention nobody and are no links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.delivery.rendering.links import SafeLinks, scheme
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import message_text, one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import ChatTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_TEXT: Final = 40_000
"""Slack cuts what is longer."""
MAX_SECTION: Final = 3_000
MAX_HEADER: Final = 150
MAX_URL: Final = 2_048
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_IN_LINK: Final = str.maketrans({"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C"})
_UNSEEN: Final = re.compile(r"[\s\x00-\x20\x7f-\xa0]+")


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown. `title` and `url` are plain, `text` is mrkdwn."""

    text: str
    title: str | None = None
    """One line."""
    url: str | None = None
    """Absolute."""


def compose(
    delivery: Delivery, workflow: Workflow, links: SafeLinks, *, tenant: TenantSettings | None = None
) -> ChatMessage:
    """The message, in one locale. Raises RenderFailed, `too_long` above MAX_TEXT.

    A URL that data lead to a scheme which is not allowed, or to none, is left out.
    """
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.CHAT)
    if not isinstance(template, ChatTemplate):
        raise RenderFailed("no_template")
    text, *title = one_locale([template.text, *([] if template.title is None else [template.title])], delivery.locale)
    values = context(delivery, tenant)
    message = ChatMessage(
        text=message_text(mrkdwn(text, values)),
        title=one_line(render(title[0], None, values)) or None if title else None,
        url=_url(template.url, values, links) if template.url else None,
    )
    if len(whole(message)) > MAX_TEXT:
        raise RenderFailed("too_long")
    return message


def mrkdwn(source: str, values: Mapping[str, Any]) -> str:
    """The text, with `&`, `<` and `>` of data escaped; those of the template itself are its author's."""
    # Slack knows three entities; HTML's for quotes would be shown as they stand.
    return render(source, None, values, html=True).replace("&#34;", '"').replace("&#39;", "'")


def whole(message: ChatMessage) -> str:
    """All of it as one text, for notifications and for whoever shows no blocks."""
    title = None if message.title is None else f"*{message.title.translate(_MARKUP)}*"
    return "\n".join(part for part in (title, message.text, _link(message)) if part)


def payload(message: ChatMessage) -> dict[str, object]:
    """What is posted: a text, and blocks where it has more parts and they fit."""
    text: dict[str, object] = {"text": whole(message)}
    if (message.title is None and message.url is None) or len(message.text) > MAX_SECTION:
        return text
    title = [] if message.title is None else [_header(message.title)]
    url = [] if message.url is None else [_section(_link(message))]
    return text | {"blocks": [*title, _section(message.text), *url]}


def _url(source: str, values: Mapping[str, Any], links: SafeLinks) -> str | None:
    url = _UNSEEN.sub("", render(source, None, values))
    if len(url) > MAX_URL or scheme(url) is None or not links.allows(url, source):
        return None
    return url


def _link(message: ChatMessage) -> str:
    return "" if message.url is None else f"<{message.url.translate(_IN_LINK)}>"


def _header(title: str) -> dict[str, object]:
    shown = title if len(title) <= MAX_HEADER else title[: MAX_HEADER - 1] + "…"
    return {"type": "header", "text": {"type": "plain_text", "text": shown}}


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
