"""The notification types that a tenant's workflows give their inbox rows."""

from __future__ import annotations

from services.gateway.inbox.store import Filter
from shared.catalog.cache import Catalog
from shared.http.problems import Problem


def types(catalog: Catalog, tenant: str) -> dict[str, list[str]]:
    """The workflow keys of each type."""
    found: dict[str, list[str]] = {}
    for key in catalog.keys(tenant):
        workflow = catalog.newest(tenant, key)
        if workflow and workflow.templates.in_app and workflow.templates.in_app.type:
            found.setdefault(workflow.templates.in_app.type, []).append(key)
    return found


def refusable(catalog: Catalog, tenant: str) -> dict[str, list[str]]:
    """The types that a user may switch off: those of workflows that are not critical."""
    found: dict[str, list[str]] = {}
    for name, keys in types(catalog, tenant).items():
        workflows = [catalog.newest(tenant, key) for key in keys]
        if not any(workflow and workflow.critical for workflow in workflows):
            found[name] = keys
    return found


def where_type(catalog: Catalog, tenant: str, notification_type: str | None) -> Filter:
    """The rows of one type; a row without a type has its workflow's key for one. Raises Problem 400."""
    if notification_type is None:
        return {}
    known = types(catalog, tenant)
    if notification_type in known:
        return {"type": notification_type}
    if notification_type in catalog.keys(tenant):
        return {"type": None, "workflow": notification_type}
    raise Problem(
        400,
        "invalid_notification_type",
        "Invalid notification type",
        fix=f"Use one of: {', '.join(sorted(known)) or 'none is published yet (carillon catalog publish)'}.",
    )
