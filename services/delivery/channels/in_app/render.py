"""What an inbox row shows, from the in_app template of its step, its variant or its workflow."""

from __future__ import annotations

from typing import Final

from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.digest_items import digest_items, newest_data
from shared.model.inbox import InboxItem
from shared.model.templates import InAppTemplate
from shared.model.tenants import TenantSettings
from shared.model.texts import texts_of
from shared.model.workflows import Workflow

WEB_LINKS: Final = SafeLinks()


def render_item(
    delivery: Delivery,
    workflow: Workflow | None,
    offset: int,
    now: int,
    links: SafeLinks = WEB_LINKS,
    *,
    tenant: TenantSettings | None = None,
) -> InboxItem:
    """The item at `offset`, created at `now` (milliseconds since the epoch), in one locale. Raises RenderFailed.

    A URL that data leads to a scheme which is not allowed is left out.
    """
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.IN_APP) if workflow else None
    if not isinstance(template, InAppTemplate):
        raise RenderFailed("no_template")
    notification, values = delivery.notification, context(delivery, tenant)
    title, body = one_locale([template.title, template.body], delivery.locale)
    url = render(template.url, None, values) if template.url else None
    return InboxItem(
        id=notification.id,
        workflow=notification.workflow,
        type=template.type,
        title=render(title, None, values),
        body=render(body, None, values),
        url=url if url is not None and links.allows(url, template.url or "") else None,
        data=newest_data(delivery),
        digest_count=digest_items(delivery).count if delivery.digest is not None else None,
        actor=notification.actor,
        offset=offset,
        created_at=now,
    )
