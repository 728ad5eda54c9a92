"""A channel that sends through providers: its lanes are read with claim, send and record; what waits is looked after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from services.delivery.accounts import Accounts
from services.delivery.breaker import Breaker
from services.delivery.channels.channel import ChannelContext
from services.delivery.core.cell_rates import parse_rates
from services.delivery.freshness import Freshness
from services.delivery.lane import AHEAD, SHARE, LaneQueue
from services.delivery.parking import Parking
from services.delivery.rates import Rates
from services.delivery.send import AfterCrash, Sending
from services.delivery.slots import Slots
from services.delivery.tenants import TenantVersions
from services.delivery.worker import HostOf, Worker
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.model.provider_accounts import AccountPolicy
from shared.mongo.changed_inputs import changed_inputs
from shared.mongo.dead_devices import DeadDevices
from shared.mongo.holds import Holds
from shared.mongo.ledger import Ledger
from shared.mongo.provider_accounts import ProviderAccounts
from shared.mongo.suppressions import put as put_suppression
from shared.mongo.tenants import versions as tenant_versions


class SendingChannel:
    """The same accounts for all lanes: what is learnt of a provider in one counts in each.

    `host_of`: the host of a recipient's own endpoint; one alone cannot hold the lane. `disable_after_seconds`: an endpoint
    that has failed for so long is not called any more. `retry_seconds`: the channel's own schedule.
    """

    def __init__(
        self,
        context: ChannelContext,
        accounts: Accounts,
        *,
        host_of: HostOf | None = None,
        disable_after_seconds: float | None = None,
        retry_seconds: Sequence[float] | None = None,
    ) -> None:
        settings, database = context.settings, context.database
        self._context = context
        self._accounts = accounts
        several = len(accounts.ours) > 1  # then one that is slow leaves slots to the others
        self._host_of = host_of or ((lambda delivery: accounts.of(delivery)[0].id) if several else None)
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._ledger = Ledger(database, lease=self._lease)
        self._holds = Holds(database)
        self._devices = DeadDevices(database)
        rows = ProviderAccounts(database)
        first_pause = round(settings.probe_seconds * 1000)
        policy = AccountPolicy(
            first_pause=first_pause,
            longest_pause=max(first_pause, round(settings.longest_probe_seconds * 1000)),
            patience=round(settings.lease_seconds * 1000),
            disable_after=None if disable_after_seconds is None else round(disable_after_seconds * 1000),
        )
        breaker = Breaker(channel=context.channel, accounts=accounts, rows=rows, holds=self._holds, policy=policy)
        self._parking = Parking(
            channel=context.channel,
            accounts=accounts,
            rows=rows,
            holds=self._holds,
            policy=policy,
            slice_size=settings.parked_slice,
            learn=breaker.learn,
        )
        self._sending = Sending(
            catalog=context.catalog,
            freshness=freshness_of(context),
            breaker=breaker,
            rates=Rates(context.channel, parse_rates(settings.rates), accounts),
            tenants=context.tenants,
            retries=[round(seconds * 1000) for seconds in retry_seconds or settings.retry_seconds],
            after_crash=AfterCrash.STOP if context.channel in settings.stop_after_crash else AfterCrash.SEND_AGAIN,
        )

    def reader(self, lane: Lane, publisher: Publisher) -> LaneQueue:
        """A queue of its own for each lane; all have the same slots, sender and ledger."""
        channel, settings = self._context.channel, self._context.settings
        worker = Worker(
            channel=channel,
            lane=lane,
            ledger=self._ledger,
            sending=self._sending,
            publisher=publisher,
            holds=self._holds,
            devices=self._devices,
            suppress=partial(put_suppression, self._context.database, publisher, settings.topics),
            topics=settings.topics,
            slots=Slots(settings.delivery_slots, waiting=max(1, settings.delivery_slots * AHEAD // SHARE)),
            lease=self._lease,
            host_of=self._host_of,
        )
        return LaneQueue(channel=channel, worker=worker, slots=settings.delivery_slots, newer=self._context.newer)

    async def watch(self, stop: asyncio.Event) -> None:
        """Probes accounts that do not answer, and releases what waited for those that do again."""
        await self._parking.run(stop)

    async def close(self) -> None:
        """Closes the senders."""
        await self._accounts.close()


def freshness_of(context: ChannelContext) -> Freshness:
    """What the channel's deliveries are compared with when they have waited."""
    tenants = TenantVersions(partial(tenant_versions, context.database))
    return Freshness(
        changed_inputs(context.database, tenants), stale_after_ms=round(context.settings.stale_after_seconds * 1000)
    )
