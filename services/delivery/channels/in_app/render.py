"""What an inbox row shows, from the in_app template of its step, its variant or its workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.delivery.channels.in_app.chosen_data import chosen
from services.delivery.rendering.links import SafeLinks
from services.delivery.rendering.liquid import RenderFailed, context, render
from services.delivery.rendering.locales import one_locale
from services.delivery.rendering.plain import one_line
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.digest_items import digest_items, newest_data
from shared.model.inbox import InboxButton, InboxItem
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

    A URL that data leads to a scheme which is not allowed is left out; so is a button whose link or label is empty, or
    whose link may not be followed.
    """
    template = texts_of(workflow, delivery.step, delivery.variant, Channel.IN_APP) if workflow else None
    if workflow is None or not isinstance(template, InAppTemplate):
        raise RenderFailed("no_template")
    notification, values = delivery.notification, context(delivery, tenant)
    more = [text for each in template.buttons for text in (each.label, each.url or "")]
    title, body, *of_buttons = one_locale([template.title, template.body, *more], delivery.locale)
    url = render(template.url, None, values) if template.url else None
    return InboxItem(
        id=notification.id,
        workflow=notification.workflow,
        type=template.type,
        title=render(title, None, values),
        body=render(body, None, values),
        url=url if url is not None and links.allows(url, template.url or "") else None,
        data=chosen(newest_data(delivery), template.data),
        digest_count=digest_items(delivery).count if delivery.digest is not None else None,
        actor=notification.actor,
        buttons=_buttons(template, of_buttons, values, links) if of_buttons else (),
        category=workflow.category,
        priority=notification.priority.value,
        expires_at=_end(delivery),
        offset=offset,
        created_at=now,
    )


def _end(delivery: Delivery) -> int | None:
    """When it goes from the inbox, which only its producer can say: what a workflow says is for sending it.

    A digest has others in it, which go on.
    """
    about = delivery.notification
    return about.expires_at if about.expires_for_good and delivery.digest is None else None


def _buttons(
    template: InAppTemplate, texts: Sequence[str], values: Mapping[str, Any], links: SafeLinks
) -> tuple[InboxButton, ...]:
    found = []
    for button, label, source in zip(template.buttons, texts[::2], texts[1::2], strict=True):
        shown = one_line(render(label, None, values))
        if button.url is None:
            made = InboxButton(label=shown, action=button.action)
        else:
            url = render(source, None, values)
            made = InboxButton(label=shown, url=url if links.allows(url, source) else "")
        if shown and (made.url or made.action):
            found.append(made)
    return tuple(found)
