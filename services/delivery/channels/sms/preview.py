"""An SMS, for eyes, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.delivery.channels.sms.compose import compose, is_gsm7, segments
from shared.model.deliveries import Delivery
from shared.model.tenants import TenantSettings
from shared.model.workflows import Workflow


def preview(delivery: Delivery, workflow: Workflow, tenant: TenantSettings | None) -> Mapping[str, Any]:
    """`text`, how many `segments` carry it, and in which `alphabet`. Raises RenderFailed."""
    text = compose(delivery, workflow, tenant)
    return {"text": text, "segments": segments(text), "alphabet": "GSM-7" if is_gsm7(text) else "UCS-2"}
