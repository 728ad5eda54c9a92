"""What the services' shells need of the outside.

Each port has a real implementation over Kafka or MongoDB and an in-memory twin in `tests/support`; both pass
the suites in `tests/contract`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from shared.model.channels import Channel
from shared.model.claims import Claim, Closing
from shared.model.deliveries import Delivery, DeliveryResult, ReceivedDelivery
from shared.model.holds import Hastening, Hold, ParkedHold
from shared.model.notifications import Notification
from shared.model.outputs import Output
from shared.model.owners import Owner
from shared.model.provider_accounts import ProviderAccount
from shared.model.schedules import Schedule
from shared.model.subscriptions import Subscription, SubscriptionKey
from shared.model.suppressions import Suppression
from shared.model.tenants import StopSweep, Swept
from shared.model.workflows import Workflow


class RecordWriter(Protocol):
    """Who writes to the log: a Publisher, or a group commit that many callers share."""

    async def publish(self, outputs: Sequence[Output], /) -> None:
        """Returns when all are acknowledged by all replicas. Raises KafkaUnavailable: they may or may not be."""
        ...


class HoldStore(Protocol):
    """Where records wait for their time."""

    async def insert(self, holds: Sequence[Hold], /) -> None:
        """Stores holds; those that are there already stay as they are. Raises MongoUnavailable."""
        ...

    async def hasten(self, tenant: str, cancellation_key: str, /, *, cancel_count: int) -> int:
        """Makes the key's holds that were accepted under a smaller counter due now; returns how many.

        `decide` then ends them. Raises MongoUnavailable.
        """
        ...

    async def make_due(self, holds: Sequence[str], /) -> None:
        """They go back to `decide` now, in this order. Raises MongoUnavailable."""
        ...

    async def bring_forward(self, holds: Sequence[str], notifications: Sequence[tuple[str, str]], /) -> None:
        """Makes due now these holds, and all of these notifications (tenant, id); those that are gone are left out.

        What comes back is decided as of then, not as of when it was due. Raises MongoUnavailable.
        """
        ...

    async def hasten_users(self, changes: Mapping[str, Hastening], /) -> dict[str, Hastening]:
        """Of these users (by user key) makes due now what waits for quiet hours to end, and all of earlier lives.

        Looks at a bounded number of holds: returns those users of whom more may wait, and how to go on. What comes back
        is decided as of then, not as of when it was due. Raises MongoUnavailable.
        """
        ...

    async def sweep_stopped(self, tenant: str, sweep: StopSweep, /) -> Swept:
        """Makes due now what waits because of a stop of the tenant, and is not stopped any more or cancelled.

        Looks at a bounded number of holds, in the order of their ids, each once. What comes back is decided as of then;
        what is cancelled says so. Raises MongoUnavailable.
        """
        ...

    async def stopped_tenants(self) -> list[str]:
        """The tenants of which anything waits because of a stop. Raises MongoUnavailable."""
        ...


class ParkedHolds(HoldStore, Protocol):
    """The holds, some of which wait for a provider account."""

    async def parked(
        self, accounts: Collection[str], /, *, most: int, of: Collection[str] | None = None
    ) -> list[ParkedHold]:
        """Up to `most` that wait for one of `accounts` and are not due yet: the most urgent, then the oldest first.

        `of`: of these tenants alone. Raises MongoUnavailable.
        """
        ...

    async def parked_under(self, channel: Channel, /) -> set[str]:
        """The accounts of the operator's own (`channel/…`) for which anything of a channel waits. Raises MongoUnavailable."""
        ...

    async def parked_tenants(self, account: str, /) -> set[str]:
        """Whose deliveries wait for it. Raises MongoUnavailable."""
        ...

    async def count_parked(self, accounts: Collection[str], /, *, most: int) -> int:
        """How many wait for these accounts and are not due yet, counted up to `most`. Raises MongoUnavailable."""
        ...


class AccountStore(Protocol):
    """Provider accounts and endpoints in trouble. All methods raise MongoUnavailable."""

    async def read(self, accounts: Sequence[str], /) -> dict[str, ProviderAccount]:
        """The rows of `accounts` by id; those without one are left out."""
        ...

    async def known(self, channel: Channel, /) -> set[str]:
        """The ids of all accounts of a channel that have a row."""
        ...

    async def swap(self, before: ProviderAccount | None, after: ProviderAccount, /) -> bool:
        """Writes `after` if the row is still as `before` says (None: not there); False when it is not."""
        ...

    async def remove(self, account: ProviderAccount, /) -> bool:
        """Forgets a healthy one, unless it has changed since it was read."""
        ...

    async def to_look_at(self, channel: Channel, now: int, /, *, most: int) -> list[ProviderAccount]:
        """Up to `most` accounts that are to be looked at by `now`, the longest waiting first; no disabled ones."""
        ...


class LedgerStore(Protocol):
    """One row per delivery. All methods raise MongoUnavailable; then the same call may be repeated."""

    async def claim(self, batch: Sequence[ReceivedDelivery], /) -> list[Claim]:
        """One claim for each, in order; repeated after a failure it finds its own claims."""
        ...

    async def record(self, results: Sequence[tuple[Delivery, DeliveryResult]], /) -> set[str]:
        """Records results of claims that are still this process's; returns the ids of these deliveries."""
        ...

    async def close(self, closings: Sequence[Closing], /) -> None:
        """Ends rows that nobody will send any more, unless they have moved on or ended."""
        ...


class ScheduleStore(Protocol):
    """Where schedules are kept. All methods raise MongoUnavailable."""

    async def read(self, tenant: str, schedule: str, /) -> Schedule | None:
        """One of a tenant's; None when there is none. Raises NewerFormat."""
        ...

    async def page(self, tenant: str, *, after: str, most: int) -> list[Schedule]:
        """Up to `most` of a tenant's whose id is greater than `after`, by id, or MAX_PAGE_BYTES of them."""
        ...

    async def count(self, tenant: str, *, most: int) -> int:
        """How many a tenant has, counted up to `most`."""
        ...

    async def swap(self, before: Schedule | None, after: Schedule, /) -> bool:
        """Writes `after` if the row is still as `before` says (None: not there); False when it is not."""
        ...

    async def remove(self, tenant: str, schedule: str, /) -> bool:
        """Deletes one; False when there is none."""
        ...


class CancellationCounter(Protocol):
    """The counters of cancellation keys. All methods raise MongoUnavailable."""

    async def count(self, tenant: str, cancellation_key: str, /) -> int:
        """The key's counter, which what is accepted now carries; 0 for a key that was never cancelled."""
        ...

    async def counts(self, notifications: Sequence[Notification], /) -> list[int]:
        """The counter of each notification's key, in order; 0 without one."""
        ...


class AddressOwnerLookup(Protocol):
    """Who has an address."""

    async def owners(self, notifications: Sequence[Notification], /) -> list[Owner | None]:
        """Of each notification's inline person, in order; None without one, or where nobody has an address of theirs.

        Raises MongoUnavailable.
        """
        ...

    async def changed_at(self, wanted: Mapping[str, Collection[str]], /) -> dict[tuple[str, str], int]:
        """When a profile with these address ids (by tenant) was written last, by tenant and address; ms since the epoch.

        Those that nobody has are left out. Nothing is asked when none are wanted. Raises MongoUnavailable.
        """
        ...


class SuppressionList(Protocol):
    """Addresses that nothing, or nothing of a category, is sent to."""

    async def of_addresses(self, wanted: Mapping[str, Collection[str]], /) -> dict[tuple[str, str], list[Suppression]]:
        """The entries of these address ids (`owners.address_ids`, by tenant), by tenant and address.

        Those without one are left out. Nothing is asked when none are wanted. Of an entry that only a newer version can
        read there is nothing but its `format`. Raises MongoUnavailable.
        """
        ...


class SubscriptionLookup(Protocol):
    """Who is subscribed to what."""

    async def find(self, wanted: Iterable[SubscriptionKey], /) -> dict[SubscriptionKey, Subscription]:
        """Those that there are. Raises MongoUnavailable, or NewerFormat."""
        ...


class WorkflowCatalog(Protocol):
    """Published workflows, as far as this process knows them. A version never changes."""

    def started_by(self, tenant: str, event_type: str, /) -> Sequence[Workflow]:
        """The newest versions that an event type starts; inactive ones are left out.

        Raises NewerFormat when there is one that only a newer version can read.
        """
        ...

    def version(self, tenant: str, key: str, version: int, /) -> Workflow | None:
        """One version if it is known here; `fetch` gets those that are not. Raises NewerFormat, once that is known."""
        ...

    async def fetch(self, wanted: Iterable[tuple[str, str, int]], /) -> None:
        """Reads versions (tenant, key, number); one that does not exist stays unknown. Raises MongoUnavailable."""
        ...


class PresenceLookup(Protocol):
    """Who is connected."""

    async def online(self, users: Collection[str], /) -> set[str]:
        """Those of `users` (by user key) who have a connection to a gateway, as of a second or so ago.

        A gateway that died counts for up to a minute more. Raises MongoUnavailable.
        """
        ...
