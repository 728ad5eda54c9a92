"""An inbox item, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.delivery.channels.in_app.render import render_item
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`title`, `body`, `url` and `buttons`, those that it has. Raises RenderFailed."""
    item = render_item(delivery, workflow, 0, delivery.decided_at, tenant=tenant)
    found = {
        "title": item.title,
        "body": item.body,
        "url": item.url,
        "buttons": msgspec.to_builtins(list(item.buttons)),
    }
    return {name: text for name, text in found.items() if text}
