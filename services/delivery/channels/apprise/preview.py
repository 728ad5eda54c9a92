"""What a target would be told, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.delivery.channels.apprise.compose import compose
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`text`, with the `title` that it has. Raises RenderFailed."""
    return {name: part for name, part in msgspec.structs.asdict(compose(delivery, workflow, tenant)).items() if part}
