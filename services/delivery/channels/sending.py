"""A channel that sends through a provider: its lanes are read with claim, send and record."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from services.delivery.channels.channel import ChannelContext
from services.delivery.channels.sender import Sender
from services.delivery.freshness import Freshness
from services.delivery.lane import LaneQueue
from services.delivery.send import AfterCrash, Schedule, Sending
from services.delivery.worker import Worker
from shared.kafka.producer import Publisher
from shared.model.channels import Lane
from shared.mongo.cancellations import Cancellations
from shared.mongo.holds import Holds
from shared.mongo.ledger import Ledger
from shared.mongo.profiles import versions


class SendingChannel:
    """One sender for all lanes: what it learns of its provider counts in each."""

    def __init__(self, context: ChannelContext, sender: Sender) -> None:
        settings, database = context.settings, context.database
        self._context = context
        self._sender = sender
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._ledger = Ledger(database, lease=self._lease)
        self._sending = Sending(
            sender=sender,
            catalog=context.catalog,
            freshness=Freshness(
                versions=partial(versions, database),
                cancellations=Cancellations(database),
                stale_after_ms=round(settings.stale_after_seconds * 1000),
            ),
            schedule=Schedule(
                retries=[round(seconds * 1000) for seconds in settings.retry_seconds],
                probe=round(settings.probe_seconds * 1000),
            ),
            after_crash=AfterCrash.STOP if context.channel in settings.stop_after_crash else AfterCrash.SEND_AGAIN,
        )

    def reader(self, lane: Lane, publisher: Publisher) -> LaneQueue:
        """A queue of its own for each lane; all have the same slots, sender and ledger."""
        del lane
        channel, settings = self._context.channel, self._context.settings
        worker = Worker(
            channel=channel,
            ledger=self._ledger,
            sending=self._sending,
            publisher=publisher,
            holds=Holds(self._context.database),
            topics=settings.topics,
            slots=settings.delivery_slots,
            lease=self._lease,
        )
        return LaneQueue(channel=channel, worker=worker, slots=settings.delivery_slots, newer=self._context.newer)

    async def close(self) -> None:
        """Closes the sender."""
        await self._sender.close()
