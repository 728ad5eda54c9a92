"""The inputs of a chunk's decisions: profiles, tenants' settings, workflow versions and counters, read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.router.core.decision import Snapshot
from services.router.core.inbound import InboundRecord
from services.router.profile_cache import KnownProfile, ProfileCache
from services.router.tenant_cache import TenantCache
from shared.deciding.routing_input import RoutingInput
from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.holds import Hold
from shared.model.lives import Life
from shared.model.notifications import Notification
from shared.model.owners import address_ids
from shared.model.ports import (
    AddressOwnerLookup,
    CancellationCounter,
    SubscriptionLookup,
    SuppressionList,
    WorkflowCatalog,
)
from shared.model.records import Kind
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.suppressions import Suppression, suppressed_kinds
from shared.model.workflows import Workflow


class Inputs:
    """Loads what the rules look at."""

    def __init__(
        self,
        *,
        catalog: WorkflowCatalog,
        profiles: ProfileCache,
        tenants: TenantCache,
        owners: AddressOwnerLookup,
        cancellations: CancellationCounter,
        subscriptions: SubscriptionLookup,
        suppressions: SuppressionList,
        spread_ms: int,
    ) -> None:
        self._subscriptions = subscriptions
        self._catalog = catalog
        self._owners = owners
        self._profiles = profiles
        self._tenants = tenants
        self._cancellations = cancellations
        self._suppressions = suppressions
        self._spread_ms = spread_ms

    def evict(self, user_keys: Iterable[str]) -> None:
        """These users' profiles have changed: the next `load` reads them again."""
        self._profiles.evict(user_keys)

    def evict_tenants(self, tenants: Iterable[str]) -> None:
        """Their settings have changed (`*`: everybody's): the next `load` reads them again."""
        self._tenants.evict(tenants)

    async def load(self, inbound: Sequence[InboundRecord], now: int) -> list[tuple[RoutingInput, Snapshot]]:
        """The inputs of each record, in order, and the snapshot of the profile that its decision keeps.

        `now` in milliseconds since the epoch. Raises MongoUnavailable: call again. NewerFormat: call again without what
        waits.
        """
        abouts = [each.about for each in inbound]
        known = await self._profiles.load([each.user_key for each in inbound], now)
        # Found for a user by the address, ahead of the record that says that they are somebody else now.
        if behind := {each.user_key for each in inbound if each.about.life > known[each.user_key].life.number}:
            self._profiles.evict(behind)
            known |= await self._profiles.load(behind, now)
        tenants = await self._tenants.load([about.tenant for about in abouts], now)
        counts = await self._cancellations.counts(abouts)
        owners = await self._owners.owners(abouts)
        subscriptions = await self._subscribed(inbound)
        inline = await self._suppressions.of_addresses(_inline_addresses(abouts))
        # Known from here to the end of this call.
        await self._catalog.fetch((about.tenant, about.workflow, about.version) for about in abouts)
        loaded: list[tuple[RoutingInput, Snapshot]] = []
        for each, cancel_count, owner in zip(inbound, counts, owners, strict=True):
            record = each.record
            user = known[each.user_key]
            if user.newer:
                raise NewerFormat("profile", user.newer, each.coordinates)
            delivery = record.delivery
            begun = delivery is not None or record.step is not None  # it stays as it is
            if owner is not None and owner.newer and (owner.user is None or begun):
                raise NewerFormat("profile", owner.newer, each.coordinates)
            workflow = self._workflow(each)
            tenant = tenants[each.about.tenant]
            if tenant is not None and tenant.format > formats.FORMAT:
                raise NewerFormat("tenant", tenant.format, each.coordinates)
            inputs = RoutingInput(
                notification=_in_its_life(each, user.life),
                workflow=workflow,
                profile=user.profile,
                life=user.life.number,
                owner=owner,
                cancel_count=cancel_count,
                now=max(now, record.due or 0),
                event=record.kind,
                spread_ms=self._spread_ms,
                channel=delivery.channel if delivery else record.channel,
                step=delivery.step if delivery else record.step,
                subscription=_in_this_life(subscriptions, each, user.life) if _goes_by_topic(each) else None,
                suppressed=_suppressed(each, user, inline, workflow) if inline or user.suppressions else (),
                tenant=tenant,
                delivery=delivery,
                digest=record.digest or (delivery.digest.id if delivery and delivery.digest else None),
                parked=record.kind is Kind.RETRY and record.due is None,
                cancelled=record.cancelled,
                forced=record.forced,
            )
            loaded.append((inputs, user.snapshot))
        return loaded

    async def _subscribed(self, inbound: Sequence[InboundRecord]) -> dict[SubscriptionKey, Subscription]:
        """The subscriptions that the records' notifications went by, as they are now; nothing is asked for without one."""
        wanted = {_key(each.about, each.about.topic or "") for each in inbound if _goes_by_topic(each)}
        if not wanted:
            return {}
        try:
            return await self._subscriptions.find(wanted)
        except NewerFormat as newer:
            raise newer.of(next(each.coordinates for each in inbound if _goes_by_topic(each))) from None

    async def cancelled_since(self, holds: Iterable[Hold]) -> dict[tuple[str, str], int]:
        """Tenant and key of those holds that were cancelled since they were decided, and the counters now.

        A digest goes on without what is cancelled: brought forward, it would be held again, and found here again. Nothing
        is asked when none has a key. Raises MongoUnavailable.
        """
        records = [hold.record for hold in holds if not hold.record.is_digest]
        keyed = [about for record in records if (about := record.about) is not None and about.cancellation_key]
        counts = await self._cancellations.counts(keyed) if keyed else []
        return {
            (about.tenant, about.cancellation_key or ""): count
            for about, count in zip(keyed, counts, strict=True)
            if count > about.cancel_count
        }

    def _workflow(self, each: InboundRecord) -> Workflow | None:
        """The version that it was accepted under, if it is known here. Raises NewerFormat."""
        about = each.about
        try:
            return self._catalog.version(about.tenant, about.workflow, about.version)
        except NewerFormat as newer:
            raise newer.of(each.coordinates) from None


def _goes_by_topic(each: InboundRecord) -> bool:
    """Of a digest, each item goes by its own."""
    return each.about.topic is not None and not each.record.is_digest


def _key(about: Notification, topic: str) -> SubscriptionKey:
    return SubscriptionKey(about.tenant, topic, about.user)


def _in_this_life(
    known: Mapping[SubscriptionKey, Subscription], each: InboundRecord, life: Life
) -> Subscription | None:
    """The subscription, unless somebody else had the id when it was made."""
    found = known.get(_key(each.about, each.about.topic or ""))
    return found if found is not None and found.life == life.number else None


def _in_its_life(each: InboundRecord, life: Life) -> Notification:
    """The notification with the user's life that it belongs to; what was decided before has it already."""
    if each.record.kind is not Kind.NOTIFY or each.record.in_its_life or not life.number:
        return each.about
    accepted_at = each.about.accepted_at if each.first_accepted_at is None else each.first_accepted_at
    number = life.of_new(accepted_at, each.announced_life, detour=each.on_a_detour)
    return msgspec.structs.replace(each.about, life=number)


def _inline_addresses(abouts: Iterable[Notification]) -> dict[str, set[str]]:
    """By tenant, the ids of the addresses that come with notifications: nothing is kept of those."""
    wanted: dict[str, set[str]] = {}
    for about in abouts:
        if about.contact is not None:
            wanted.setdefault(about.tenant, set()).update(address_ids(about.contact.addresses))
    return wanted


def _suppressed(
    each: InboundRecord,
    user: KnownProfile,
    inline: Mapping[tuple[str, str], Sequence[Suppression]],
    workflow: Workflow | None,
) -> tuple[str, ...]:
    """The kinds of the recipient's addresses that nothing of the workflow is sent to. Raises NewerFormat."""
    entries = user.suppressions
    about, own = each.about, user.profile.addresses if user.profile else {}
    if inline and about.contact is not None:
        gaps = {kind: address for kind, address in about.contact.addresses.items() if kind not in own}
        entries += tuple(entry for each_id in address_ids(gaps) for entry in inline.get((about.tenant, each_id), ()))
    if not entries or workflow is None:
        return ()
    newest = max(entry.format for entry in entries)
    if newest > formats.FORMAT:
        raise NewerFormat("suppression", newest, each.coordinates)
    return suppressed_kinds(entries, workflow.category, critical=workflow.critical)
