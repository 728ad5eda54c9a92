"""The body of a webhook, for eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from services.delivery.channels.webhook.compose import payload
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`body`, as JSON."""
    del workflow, tenant
    return {"body": orjson.loads(payload(delivery))}
