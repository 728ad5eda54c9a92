"""The decision: what was found for one record, with the inputs that mattered."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.router.core.inbound import InboundRecord
from shared.deciding.items import RoutingItem
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model import ids
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.records import Record

Snapshot = Mapping[str, object]
"""What was known of the user, without addresses, as it is stored and as `why` tells it."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was found for one record. `at` in milliseconds since the epoch."""

    record: Record
    notification: Notification
    coordinates: Coordinates
    items: tuple[RoutingItem, ...]
    at: int
    profile_version: int
    snapshot: Snapshot

    @property
    def format(self) -> int:
        """The smallest that reads it: its record's, or the newest channel's that it names."""
        since = [item.channel.spec.since for item in self.items if item.channel is not None]
        return max(self.record.format, *since) if since else self.record.format

    @property
    def id(self) -> str:
        """One pass of one subject through `decide`."""
        return ids.decision_id(self.record.subject, self.record.generation, self.record.pass_)


def decide(each: InboundRecord, inputs: RoutingInput, snapshot: Snapshot, *, at: int) -> Decision:
    """The decision about one record; `at` in milliseconds since the epoch."""
    return Decision(
        record=each.record,
        notification=inputs.notification,
        coordinates=each.coordinates,
        items=route(inputs),
        at=at,
        profile_version=inputs.profile.version if inputs.profile else 0,
        snapshot=snapshot,
    )
