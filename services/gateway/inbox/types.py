"""The notification types that a tenant's workflows give their inbox rows."""

from __future__ import annotations

from collections.abc import Sequence

from services.gateway.inbox.filters import TypeFilter
from services.gateway.inbox.rejections import RejectedChange
from shared.catalog.cache import Catalog
from shared.model.templates import InAppTemplate
from shared.model.texts import every_text


class UnknownNotificationType(RejectedChange):
    """No workflow of the tenant has it."""

    code = "invalid_notification_type"

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__("Invalid notification type")
        self.known = known


def notification_types(catalog: Catalog, tenant: str) -> dict[str, list[str]]:
    """The workflow keys of each type."""
    found: dict[str, list[str]] = {}
    for key in catalog.keys(tenant):
        workflow = catalog.readable(tenant, key)
        texts = every_text(workflow) if workflow else ()
        for name in dict.fromkeys(text.type for _, _, text in texts if isinstance(text, InAppTemplate) and text.type):
            found.setdefault(name, []).append(key)
    return found


def optional_types(catalog: Catalog, tenant: str) -> dict[str, list[str]]:
    """The types that a user may switch off, with their workflow keys: those of workflows that are not critical."""
    found: dict[str, list[str]] = {}
    for name, keys in notification_types(catalog, tenant).items():
        workflows = [catalog.readable(tenant, key) for key in keys]
        if not any(workflow and workflow.critical for workflow in workflows):
            found[name] = keys
    return found


def type_filter(catalog: Catalog, tenant: str, notification_type: str | None) -> TypeFilter | None:
    """The items of one type; an item without a type has its workflow's key for one.

    Raises UnknownNotificationType.
    """
    if notification_type is None:
        return None
    known = notification_types(catalog, tenant)
    if notification_type in known:
        return TypeFilter(notification_type)
    if notification_type in catalog.keys(tenant):
        return TypeFilter(None, notification_type)
    raise UnknownNotificationType(sorted(known))
