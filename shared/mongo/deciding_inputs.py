"""What `route` looks at, read from MongoDB as it is now: for who asks what would be decided. Nothing is written or kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shared.deciding.asked import asked
from shared.deciding.history_book import HistoryBook
from shared.deciding.routing_input import RoutingInput
from shared.model import formats
from shared.model.formats import NewerFormat
from shared.model.notifications import Notification
from shared.model.owners import Owner, address_ids
from shared.model.profiles import Profile
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.suppressions import Suppression, suppressed_kinds
from shared.model.tenants import ENVIRONMENT, TenantSettings, effective
from shared.model.workflows import Workflow
from shared.mongo import profiles, tenants
from shared.mongo.address_owners import AddressOwners
from shared.mongo.cancellations import Cancellations
from shared.mongo.database import Database
from shared.mongo.histories import Histories
from shared.mongo.presence import Presence
from shared.mongo.subscriptions import Subscriptions
from shared.mongo.suppressions import Suppressions

Entries = Mapping[tuple[str, str], Sequence[Suppression]]


class DecidingInputs:
    """Loads the inputs of new notifications, with as few queries for a hundred as for one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, notifications: Sequence[Notification], workflow: Workflow, now: int) -> list[RoutingInput]:
        """What would be asked about each, in order, were it decided at `now` (milliseconds since the epoch).

        Raises MongoUnavailable; NewerFormat for what only a newer version of Carillon can read.
        """
        if not notifications:
            return []
        database = self._database
        known = await profiles.read_many(database, sorted({_user_key(one) for one in notifications}))
        settings = await tenants.read_many(database, {one.tenant for one in notifications})
        owners = await AddressOwners(database).owners(notifications)
        counts = await Cancellations(database).counts(notifications)
        addresses = [_addresses(one, known.get(_user_key(one))) for one in notifications]
        entries = await Suppressions(database).of_addresses(_wanted(notifications, addresses))
        subscribed = await self._subscribed(notifications)
        found = [
            RoutingInput(
                notification=msgspec.structs.replace(one, life=max(one.life, _life(stored))),
                workflow=workflow,
                profile=_living(stored),
                life=_life(stored),
                owner=_readable_owner(owner),
                cancel_count=count,
                now=now,
                tenant=_readable_tenant(effective(one.tenant, settings.get(one.tenant), settings.get(ENVIRONMENT))),
                suppressed=_suppressed(one, ids, entries, workflow),
                subscription=_in_this_life(subscribed.get(one.id), _life(stored)),
            )
            for one, owner, count, ids in zip(notifications, owners, counts, addresses, strict=True)
            for stored in (known.get(_user_key(one)),)
        ]
        return await self._with_history(found)

    async def _subscribed(self, notifications: Sequence[Notification]) -> dict[str, Subscription]:
        """By notification, what its user's subscription to its topic says."""
        wanted = {
            one.id: SubscriptionKey(one.tenant, one.topic, one.user) for one in notifications if one.topic is not None
        }
        if not wanted:
            return {}
        found = await Subscriptions(self._database).find(wanted.values())
        return {each: found[key] for each, key in wanted.items() if key in found}

    async def _with_history(self, found: Sequence[RoutingInput]) -> list[RoutingInput]:
        """Each as if the others were not sent with it."""
        wanted = [asked(inputs) for inputs in found]
        asking = [each for each in wanted if each is not None]
        if not asking:
            return list(found)
        histories = Histories(self._database, online=Presence(self._database).online)
        book = HistoryBook(await histories.load(asking))
        return [
            inputs if ask is None else msgspec.structs.replace(inputs, history=book.view(ask))
            for inputs, ask in zip(found, wanted, strict=True)
        ]


def _in_this_life(found: Subscription | None, life: int) -> Subscription | None:
    """The subscription, unless somebody else had the id when it was made."""
    return found if found is not None and found.life == life else None


def _user_key(one: Notification) -> str:
    return f"{one.tenant}:{one.user}"


def _life(stored: Profile | None) -> int:
    return 0 if stored is None else stored.life.number


def _living(stored: Profile | None) -> Profile | None:
    """The profile, unless its user is deleted. Raises NewerFormat."""
    if stored is not None and stored.format > formats.FORMAT:
        raise NewerFormat("profile", stored.format)
    return None if stored is None or stored.deleted else stored


def _readable_owner(owner: Owner | None) -> Owner | None:
    if owner is not None and owner.newer:
        raise NewerFormat("profile", owner.newer)
    return owner


def _readable_tenant(settings: TenantSettings | None) -> TenantSettings | None:
    if settings is not None and settings.format > formats.FORMAT:
        raise NewerFormat("tenant", settings.format)
    return settings


def _addresses(one: Notification, stored: Profile | None) -> list[str]:
    """The ids of what the recipient is reached at: the profile's, and where it has none, what came with the notification."""
    given = one.contact.addresses if one.contact is not None else {}
    return address_ids({**given, **(stored.addresses if stored is not None else {})})


def _wanted(notifications: Iterable[Notification], addresses: Iterable[Sequence[str]]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {}
    for one, ids in zip(notifications, addresses, strict=True):
        wanted.setdefault(one.tenant, set()).update(ids)
    return wanted


def _suppressed(one: Notification, ids: Iterable[str], entries: Entries, workflow: Workflow) -> tuple[str, ...]:
    """The kinds of the recipient's addresses that nothing of the workflow is sent to. Raises NewerFormat."""
    found = [entry for each in ids for entry in entries.get((one.tenant, each), ())]
    if newest := max((entry.format for entry in found if entry.format > formats.FORMAT), default=0):
        raise NewerFormat("suppression", newest)
    return suppressed_kinds(found, workflow.category, critical=workflow.critical)
