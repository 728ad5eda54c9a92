"""What an inbox row shows, from the workflow's in_app template."""

from __future__ import annotations

from services.delivery.rendering.liquid import RenderFailed, context, render
from shared.model.deliveries import Delivery
from shared.model.inbox import InboxItem
from shared.model.workflows import Workflow


def render_item(delivery: Delivery, workflow: Workflow | None, offset: int, now: int) -> InboxItem:
    """The item at `offset`, created at `now` (milliseconds since the epoch). Raises RenderFailed."""
    template = workflow.templates.in_app if workflow else None
    if workflow is None or template is None:
        raise RenderFailed("no_template")
    notification, values = delivery.notification, context(delivery)
    return InboxItem(
        id=notification.id,
        workflow=notification.workflow,
        type=template.type,
        title=render(template.title, delivery.locale, values),
        body=render(template.body, delivery.locale, values),
        url=render(template.url, None, values) if template.url else None,
        data=notification.data,
        actor=notification.actor,
        offset=offset,
        created_at=now,
    )
