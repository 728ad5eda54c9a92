"""What a room would read, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.delivery.channels.chat.compose import compose
from services.delivery.channels.previewing import LINKS
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`text`, with the `title` and the `url` that it has. Raises RenderFailed."""
    found = msgspec.structs.asdict(compose(delivery, workflow, LINKS, tenant=tenant))
    return {name: part for name, part in found.items() if part}
