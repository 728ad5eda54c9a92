"""A lane with its worker: a tenant with many silent endpoints stops no other tenant."""

from __future__ import annotations

import asyncio

import pytest

from services.delivery import lane
from services.delivery.channels.own_endpoint import host_of
from services.delivery.channels.stub import StubSender
from services.delivery.core import shares
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, Sent
from services.delivery.lane import LaneQueue
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.outputs import KafkaRecord
from shared.model.records import encode
from shared.model.workflows import Workflow
from shared.process.clock import now_ms
from shared.process.newer import NewerRecords
from tests.support import samples as a
from tests.support.twins.consumer import MemoryConsumer
from tests.support.wait import turns_until
from tests.unit.delivery.scenes import TOPICS, WorkerScene

TOPIC = TOPICS.deliveries(Channel.EMAIL)
SLOTS = 16
SILENT = 400
OTHERS = 10


class HalfSilent(StubSender):
    """Answers the other tenant's at once, and acme's not before the test ends."""

    def __init__(self) -> None:
        super().__init__()
        self.end = asyncio.Event()
        self.answered = self.silent = 0

    async def send(self, delivery: Delivery, workflow: Workflow, send_before: float) -> Outcome | LeaseTooShort:
        if delivery.notification.tenant == "other":
            self.answered += 1
            return Sent()
        self.silent += 1
        await self.end.wait()
        return Failed(code="timeout", cool_down=True)


def record(offset: int, tenant: str, host: str) -> KafkaRecord:
    about = a.notification(id=f"n-{offset}", tenant=tenant, expires_at=now_ms() + 3_600_000)
    address = f"https://{host}/hook"
    delivery = a.delivery(id=f"d-{offset}", notification=about, address=address, decided_at=now_ms(), profile_version=0)
    return a.record(encode(delivery), topic=TOPIC, offset=offset, key=b"%s:%d" % (tenant.encode(), offset), partition=0)


async def test_four_hundred_silent_hosts_of_one_tenant_stop_no_other_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than all slots, and more than is read ahead; the others' records stand behind all of them."""
    monkeypatch.setattr(shares, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(lane, "LOOK_SECONDS", 0.02)
    sender = HalfSilent()
    scene = WorkerScene(sender=sender, slots=SLOTS, waiting=8, host_of=host_of)
    scene.catalog.publish("other", a.workflow())
    silent = [record(number, "acme", f"silent-{number}.example") for number in range(SILENT)]
    others = [record(SILENT + number, "other", "quick.example") for number in range(OTHERS)]
    log = MemoryConsumer(TOPIC, *silent, *others)
    stop = asyncio.Event()
    queue = LaneQueue(newer=NewerRecords(), channel=Channel.EMAIL, worker=scene.worker, slots=SLOTS)
    running = asyncio.create_task(queue.run(log, stop))
    await turns_until(lambda: sender.answered == OTHERS, what="the other tenant's", timeout=20)
    assert 0 < sender.silent <= SLOTS // 2, "control: they are silent all the while"
    stop.set()
    sender.end.set()
    await running
