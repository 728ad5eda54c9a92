"""The decision: what was found for one record, with the inputs that mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from services.router.core.inbound import InboundRecord
from shared.deciding.digest_content import ShownBytes, wanted
from shared.deciding.history import DigestContent
from shared.deciding.history_changes import Decided
from shared.deciding.items import Deliver, HoldUntil, RoutingItem, Suppress
from shared.deciding.routing import route
from shared.deciding.routing_input import RoutingInput
from shared.model import ids
from shared.model.digests import Digest
from shared.model.holds import Cause
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.profiles import Preferences
from shared.model.records import Record
from shared.model.tenants import TenantSettings
from shared.model.workflows import STEPS_SINCE

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
    tenant_version: int = 0
    digest: str | None = None
    """The one that it closes or brings."""
    content: DigestContent | None = None
    """What of the digest is wanted."""
    wants: Preferences | None = None
    """What the subscription to its topic says; None: there is none."""
    is_run: bool = False
    """Its workflow has more than one step: the record moves a run, or one channel of it."""
    changes_history: bool = False
    """It may add to what later decisions look at."""
    context: Mapping[str, object] = {}
    """What else `route` was asked with: with the snapshot enough to ask it again."""

    @property
    def format(self) -> int:
        """The smallest that reads it: its record's, or that of the newest channel, reason or kind of item in it."""
        number = self.record.format
        for item in self.items:
            if isinstance(item, Deliver):
                number = max(number, item.channel.spec.since)
            elif isinstance(item, HoldUntil | Suppress):
                number = max(number, item.reason.since, item.channel.spec.since if item.channel else number)
            else:
                number = max(number, STEPS_SINCE)
        return number

    @property
    def id(self) -> str:
        """One pass of one subject through `decide`."""
        return ids.decision_id(self.record.subject, self.record.generation, self.record.pass_)

    @property
    def decided(self) -> Decided:
        """What it adds to what later decisions look at."""
        record = self.record
        return Decided(
            notification=self.notification,
            items=self.items,
            at=self.at,
            coordinates=self.coordinates,
            generation=record.generation,
            pass_=record.pass_,
            hold=ids.hold_id(record.subject, Cause.DIGEST, record.generation, record.pass_ + 1),
            is_run=self.is_run and record.channel is None and record.delivery is None,
            wants=self.wants,
        )

    def digest_for(self, item: Deliver) -> Digest | None:
        """What it gathered, as the delivery carries it: what goes by this channel, as far as there is room."""
        if self.content is None or self.digest is None:
            return None
        content, room = self.content.without(item.without), ShownBytes()
        items = tuple([each for each in content.data if room.take(each)])
        return Digest(count=content.count, items=items, id=self.digest)


def decide(each: InboundRecord, inputs: RoutingInput, snapshot: Snapshot, *, at: int) -> Decision:
    """The decision about one record; `at` in milliseconds since the epoch."""
    items = route(inputs)
    is_run = inputs.workflow is not None and not inputs.workflow.is_plain
    return Decision(
        record=each.record,
        notification=inputs.notification,
        coordinates=each.coordinates,
        items=items,
        at=at,
        profile_version=inputs.profile.version if inputs.profile else 0,
        snapshot=snapshot,
        tenant_version=inputs.tenant.version if inputs.tenant else 0,
        digest=inputs.digest,
        content=_wanted(inputs),
        wants=inputs.subscription.preferences if inputs.subscription is not None else None,
        is_run=is_run,
        changes_history=is_run or inputs.history is not None,
        context=context_of(inputs, items),
    )


def context_of(inputs: RoutingInput, items: tuple[RoutingItem, ...]) -> Mapping[str, object]:
    """What `route` looked at beside record, workflow and profile, as far as it is not what it mostly is."""
    found: dict[str, object] = {}
    if inputs.spread_ms:
        for item in items:  # no generator: most decisions have nothing to find
            if type(item) is HoldUntil and item.cause is Cause.QUIET_HOURS:
                found["spread_ms"] = inputs.spread_ms
    if inputs.life:
        found["life"] = inputs.life
    if inputs.cancel_count:
        found["cancel_count"] = inputs.cancel_count
    if inputs.suppressed:
        found["suppressed"] = inputs.suppressed
    tenant, history = inputs.tenant, inputs.history
    if tenant is not None:
        found["tenant"] = _settings(tenant)
    if history is not None:
        content = history.content
        seen = None if content is None else msgspec.structs.replace(content, data=())
        found["history"] = msgspec.to_builtins(msgspec.structs.replace(history, content=seen))
    if inputs.owner is not None:
        found["owner"] = msgspec.to_builtins(inputs.owner)
    if inputs.subscription is not None:
        found["subscription"] = msgspec.to_builtins(inputs.subscription)
    return found


MAX_KEPT: Final = 100
_kept: Final[dict[int, tuple[TenantSettings, object]]] = {}
"""Settings as they are stored, by the identity of the value: the same one counts for thousands of decisions."""


def _settings(tenant: TenantSettings) -> object:
    known = _kept.get(id(tenant))
    if known is None or known[0] is not tenant:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        known = _kept[id(tenant)] = (tenant, msgspec.to_builtins(msgspec.structs.replace(tenant, brand={})))
    return known[1]


def _wanted(inputs: RoutingInput) -> DigestContent | None:
    content = inputs.history.content if inputs.history is not None else None
    return wanted(content, inputs.workflow) if content is not None and inputs.workflow is not None else None
