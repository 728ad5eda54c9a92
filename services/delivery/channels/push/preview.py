"""What a device would show, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.delivery.channels.previewing import LINKS
from services.delivery.channels.push.compose import compose
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`title`, `body` and `url`. Raises RenderFailed."""
    message = compose(delivery, workflow, tenant, LINKS)
    found = {"title": message.title, "body": message.body, "url": message.url}
    return {name: text for name, text in found.items() if text}
