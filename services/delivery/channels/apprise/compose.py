"""What a target is told: plain texts. Apprise makes of them what the service wants, HTML for one."""

from __future__ import annotations

from typing import Final

import msgspec

from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import message_text, one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.templates import AppriseTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_TEXT: Final = 32_768
"""What Apprise gives to services that name no limit; many take less."""


class AppriseMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Both are plain; the title is one line, or empty."""

    text: str
    title: str = ""


def compose(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> AppriseMessage:
    """The message, in one locale. Raises RenderFailed, `too_long` above MAX_TEXT."""
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.APPRISE)
    if not isinstance(template, AppriseTemplate):
        raise RenderFailed("no_template")
    text, *title = one_locale([template.text, *([] if template.title is None else [template.title])], delivery.locale)
    values = context(delivery, tenant)
    message = AppriseMessage(
        text=message_text(render(text, None, values)), title=one_line(render(title[0], None, values)) if title else ""
    )
    if len(message.title) + len(message.text) > MAX_TEXT:
        raise RenderFailed("too_long")
    return message
