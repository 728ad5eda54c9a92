"""The ids of inbox items. A notification's first item has its id; items of later steps have their deliveries'."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from services.delivery.channels.in_app.stores import InboxRowStore
from shared.model.deliveries import ReceivedDelivery
from shared.model.inbox import InboxItem
from shared.model.ports import WorkflowCatalog

Stored = tuple[ReceivedDelivery, InboxItem]


async def with_own_ids(rows: InboxRowStore, catalog: WorkflowCatalog, items: Sequence[Stored]) -> list[Stored]:
    """The same items, each with the id that it has; a replay gets the one that it had. Raises MongoUnavailable.

    Nothing is asked where every workflow makes one item.
    """
    several = [each for each, _ in items if _shows_several(catalog, each)]
    first = await rows.first_items([each.delivery.notification for each in several]) if several else {}
    asked = {each.delivery.id for each in several}
    named: list[Stored] = []
    for each, item in items:
        delivery = each.delivery.id
        if delivery in asked and first.setdefault(item.id, delivery) != delivery:
            named.append((each, replace(item, id=delivery, notification=item.id)))
        else:
            named.append((each, item))
    return named


def _shows_several(catalog: WorkflowCatalog, received: ReceivedDelivery) -> bool:
    about = received.delivery.notification
    workflow = catalog.version(about.tenant, about.workflow, about.version)
    return workflow is not None and workflow.shows_several
