"""What is posted, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.delivery.channels.previewing import LINKS
from services.delivery.channels.telegram.compose import compose
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """All but whom it goes to. Raises RenderFailed."""
    return compose(delivery, workflow, LINKS, tenant)
