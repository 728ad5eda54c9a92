"""Endpoints that a tenant's statuses are pushed to, and what a push is: a notification of its own, to their URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import orjson

from shared.model import ids
from shared.model.expansion import Request, expand
from shared.model.notifications import Notification
from shared.model.own_workflows import STATUSES
from shared.model.recipients import recipient

MAX_ENDPOINTS: Final = 20
"""Of a tenant."""
MAX_FILTERS: Final = 20
SOURCE: Final = "carillon:statuses"
FILTER: Final = r"carillon(?:\.[a-z_]+)*(?:\.\*)?"
"""One type of statuses, as `carillon.delivery.dead`, or all below a name, as `carillon.delivery.*`."""


class StatusEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint. `created_at` in milliseconds since the epoch."""

    tenant: str
    id: str
    url: str
    events: tuple[str, ...]
    created_at: int

    def wants(self, type_: str) -> bool:
        """Whether one of its filters lets statuses of this type pass."""
        return any(
            type_ == each or (each.endswith(".*") and type_.startswith(each.removesuffix("*"))) for each in self.events
        )


class StatusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A status as it is stored. `at`: RFC 3339."""

    id: str
    tenant: str
    type: str
    subject: str
    at: str
    data: Mapping[str, object]


def pushes(
    statuses: Sequence[StatusEvent], endpoints: Mapping[str, Sequence[StatusEndpoint]], now: int
) -> Iterator[Notification]:
    """The notifications that take statuses to the endpoints (by tenant) that want them; `now` in milliseconds.

    Their ids derive from the status and the URL, so that a status that is met again is pushed once. Statuses about
    pushes are not pushed: each would make more of them.
    """
    for status in statuses:
        if status.data.get("workflow") == STATUSES.key:
            continue
        for endpoint in endpoints.get(status.tenant, ()):
            if endpoint.wants(status.type):
                yield from expand(_request(status, endpoint, now), STATUSES)


def _request(status: StatusEvent, endpoint: StatusEndpoint, now: int) -> Request:
    data = {**status.data, "id": status.id, "subject": status.subject, "time": status.at}
    return Request(
        tenant=status.tenant,
        event_id=ids.event_id(status.tenant, SOURCE, status.id),
        event_type=status.type,
        source=SOURCE,
        recipients=(recipient({"webhook": endpoint.url}, ""),),
        data=orjson.dumps(data),
        accepted_at=now,
    )
