"""All that follows a result, for whoever tells it: a failure also as an event, where a workflow starts on it."""

from __future__ import annotations

import msgspec

from services.delivery.core.effects import DeliveryEffects, derive_effects
from services.delivery.core.failure_events import failure_event, failure_of
from shared.model.deliveries import Delivery, DeliveryResult, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.outputs import Output
from shared.model.ports import WorkflowCatalog
from shared.model.topics import Topics


def all_effects(
    topics: Topics, received: ReceivedDelivery, result: DeliveryResult, catalog: WorkflowCatalog
) -> DeliveryEffects:
    """What follows `result`, with the event that a workflow of the tenant's starts on, as far as is known here."""
    effects = derive_effects(topics, received, result)
    failed = failures(topics, received.delivery, result, catalog)
    return msgspec.structs.replace(effects, outputs=[*effects.outputs, *failed]) if failed else effects


def failures(topics: Topics, delivery: Delivery, result: DeliveryResult, catalog: WorkflowCatalog) -> list[Output]:
    """The event of a result that is a failure, where a workflow of the tenant's starts on it."""
    kind = failure_of(delivery, result)
    if kind is None or not _starts(catalog, delivery.notification.tenant, kind):
        return []
    return [failure_event(topics, delivery, result, kind)]


def _starts(catalog: WorkflowCatalog, tenant: str, event_type: str) -> bool:
    try:
        return bool(catalog.started_by(tenant, event_type))
    except NewerFormat:
        return True  # a newer version knows
