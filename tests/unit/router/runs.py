"""Runs over twins: what is held comes back when the clock is moved, and a crash may stand anywhere in between."""

from __future__ import annotations

import msgspec
import time_machine

from services.router.decide import Decider
from shared.model.deliveries import Delivery
from shared.model.outputs import KafkaRecord
from shared.model.records import Record, decode_delivery
from shared.model.workflows import Workflow
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new


class Runs:
    """A router over twins, and the scheduler's part done by hand."""

    def __init__(self, clock: time_machine.Traveller, *workflows: Workflow) -> None:
        self.stores = DecideStores()
        for workflow in workflows:
            self.stores.catalog.publish("acme", workflow)
        self.clock = clock
        self.offset = 100
        self.decider: Decider = self.stores.decider()
        self.log: list[KafkaRecord] = []

    async def send(self, *numbers: int, **about: object) -> None:
        """New notifications, in one chunk."""
        chunk = [new(self._next(), id=f"n-{number}", **about) for number in numbers]  # type: ignore[arg-type]
        self.log += chunk
        await carry(self.decider, *chunk)

    async def send_records(self, *records: Record) -> None:
        """What comes back, in one chunk."""
        chunk = [at(self._next(), record) for record in records]
        self.log += chunk
        await carry(self.decider, *chunk)

    async def release(self, now: int) -> int:
        """Everything that is due at `now` goes back; how many that were."""
        self.clock.move_to(now / 1000)
        due = [hold_id for hold_id, row in self.stores.holds.rows.items() if row.due <= now]
        records = [self.stores.holds.rows.pop(hold_id).hold.record for hold_id in due]
        if records:
            await self.send_records(*records)
        return len(records)

    async def crash_and_replay(self, last: int) -> None:
        """A process that starts anew reads the last records of the log again."""
        self.decider = self.stores.decider()
        await carry(self.decider, *self.log[-last:])

    @property
    def deliveries(self) -> list[Delivery]:
        """All that were produced, replays too."""
        topics = {TOPICS.deliveries(channel, lane) for channel in a.ALL for lane in channel.spec.lanes}
        return [decode_delivery(output.value) for output in self.stores.publisher.written if output.topic in topics]

    @property
    def sent(self) -> dict[str, Delivery]:
        """The distinct ones, by id."""
        return {delivery.id: delivery for delivery in self.deliveries}

    def statuses(self, notification: str) -> list[str]:
        """What was said of a notification, in order, each once."""
        found: dict[str, str] = {}
        for output in self.stores.publisher.on(TOPICS.statuses):
            headers = dict(output.headers)
            body = msgspec.json.decode(output.value or b"")
            if body.get("notification") == notification:
                found[headers["ce_id"].decode()] = headers["ce_type"].decode().rpartition(".")[2]
        return list(found.values())

    def _next(self) -> int:
        self.offset += 1
        return self.offset
