"""What a push message shows, and how urgent it is; the same for every platform."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import message_text, one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.notifications import Notification
from shared.model.templates import PushTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

MAX_PAYLOAD: Final = 4096
"""Bytes, on all three platforms."""
MAX_TTL_SECONDS: Final = 2_419_200
"""Four weeks: more is refused."""


class PushMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Title and body in one language, plain; `url` opens when it is tapped."""

    title: str
    body: str
    url: str | None
    tag: str
    """Two of the same are one on the screen, the later one."""


def compose(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None, links: SafeLinks) -> PushMessage:
    """Raises RenderFailed: `empty_text` without a title. A URL of a scheme that is not allowed is left out."""
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.PUSH)
    if not isinstance(template, PushTemplate):
        raise RenderFailed("no_template")
    values = context(delivery, tenant)
    title, body = one_locale([template.title, template.body], delivery.locale)
    rendered = render(body, None, values)
    url = render(template.url, None, values).strip() if template.url else ""
    try:
        url.encode()
    except UnicodeEncodeError as error:
        raise RenderFailed("lone_surrogate") from error
    return PushMessage(
        title=message_text(one_line(render(title, None, values))),
        body=message_text(rendered) if rendered.strip() else "",
        url=url if url and links.allows(url, template.url or "") else None,
        tag=tag_of(delivery),
    )


def tag_of(delivery: Delivery) -> str:
    """32 letters of base64url. Of a notification without a collapse key it is the delivery's own.

    So one that was sent twice, over a worker that died, is shown once.
    """
    return collapse_tag(delivery.notification) or _short(f"delivery\x1f{delivery.id}")


def collapse_tag(notification: Notification) -> str | None:
    """What a newer one about the same has as well: of the same workflow. It tells nobody the key."""
    if notification.collapse_key is None:
        return None
    return _short(f"{notification.tenant}\x1f{notification.workflow}\x1f{notification.collapse_key}")


def seconds_left(notification: Notification, now: int) -> int:
    """For how long it is kept for a device that is switched off."""
    return max(0, min((notification.expires_at - now) // 1000, MAX_TTL_SECONDS))


def _short(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode(errors="surrogatepass")).digest()[:24]).decode()
