"""What reached a socket is told once, behind the fan-out: live, of what was missed, and by what a cursor says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import pytest

from services.gateway.live import receipts
from services.gateway.live.core.cursor import Cursors
from shared.model import ids
from shared.model.errors import KafkaUnavailable
from shared.model.inbox import Change, InboxEvent, encode
from shared.model.inbox_receipts import CaughtUp
from shared.model.outputs import Output
from shared.model.statuses import Subject
from shared.mongo.inbox_writing import NewInboxRow
from tests.support.twins.outages import Outages
from tests.support.wait import turns, turns_until
from tests.unit.gateway.live_gateway import TOPICS, LiveGateway
from tests.unit.gateway.scenes import EPOCH, created, item, resuming, snapshot

CURSOR = Cursors(EPOCH, b"default:ann")


class Gateway(LiveGateway):
    """With items whose delivery is to be told."""

    def __init__(self) -> None:
        super().__init__()
        self.kafka = Outages(KafkaUnavailable)

    async def asked(self, user: str, *offsets: int, announced: bool = True) -> None:
        """New items of a workflow with receipts: rows, then their announcements."""
        new = [item(offset) for offset in offsets]
        await self.store.insert(self._identify(user), new)
        await self.receipt_rows.insert(
            [
                NewInboxRow(
                    f"d{each.offset}", "default", user, each, step="show", receipt=Subject(f"d{each.offset}", 1, 2)
                )
                for each in new
            ]
        )
        if announced:
            key = ids.user_key("default", user)
            events = [
                InboxEvent(change=Change.CREATED, items=(each,), at=1_000, receipt=f"d{each.offset}") for each in new
            ]
            await self.publish([Output(TOPICS.inbox, key, encode(event), []) for event in events])

    async def publish(self, outputs: Sequence[Output]) -> None:
        if any(output.topic == TOPICS.statuses for output in outputs):
            async with self.kafka.call():
                self.statuses += outputs
        else:
            await super().publish(outputs)

    @property
    def told(self) -> list[str]:
        return [dict(output.headers)["ce_subject"].decode() for output in self.statuses]

    async def until_told(self, *deliveries: str) -> None:
        await turns_until(lambda: {*self.told} >= {*deliveries}, what=f"{deliveries} told, of {self.told}")
        await turns_until(lambda: all(row.by is None for row in self.receipt_rows.rows.values()), what="all done")


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.setattr(receipts, "GATHER_SECONDS", 0)
    made = Gateway()
    running = asyncio.create_task(made.receipts.run())
    yield made
    running.cancel()
    await asyncio.wait({running})


async def test_what_is_written_to_a_socket_is_told(gateway: Gateway) -> None:
    async with gateway.socket() as ann:
        await ann.next("live")
        await gateway.asked("ann", 1, 2)
        await gateway.arrive("ann", 3)
        await gateway.until_told("d1", "d2")
    (first, second) = gateway.statuses
    headers = dict(first.headers)
    assert headers["ce_type"] == b"carillon.delivery.delivered"
    assert headers["ce_id"] == ids.status_id("d1", 1, 2, "delivered").encode()
    assert (first.topic, first.key) == (TOPICS.statuses, b"default:ann")
    assert json.loads(first.value or b"") == {
        "user": "ann",
        "generation": 1,
        "pass": 2,
        "notification": "n1",
        "delivery": "d1",
        "channel": "in_app",
        "step": "show",
        "workflow": "chat.new_message",
    }
    assert dict(second.headers)["ce_subject"] == b"d2"


async def test_nothing_is_told_where_nobody_is_connected_or_asked(gateway: Gateway) -> None:
    await gateway.asked("bob", 1)
    async with gateway.socket() as ann:
        await ann.next("live")
        await gateway.arrive("ann", 1)
        await turns()
    assert gateway.told == []


async def test_two_sockets_are_one_status(gateway: Gateway) -> None:
    async with gateway.socket() as one, gateway.socket() as other:
        for socket in (one, other):
            await socket.next("live")
        await gateway.asked("ann", 1)
        await gateway.until_told("d1")
    async with gateway.socket() as again:
        await again.next("live")
        await turns()
    assert gateway.told == ["d1"]


async def test_what_was_missed_is_told_when_it_is_written(gateway: Gateway) -> None:
    await gateway.asked("ann", 1, 2)
    assert gateway.told == []
    async with gateway.socket() as ann:
        await ann.next("live")
        await gateway.until_told("d1", "d2")
    assert gateway.told == ["d1", "d2"]


async def test_what_a_process_died_with_is_told_by_the_cursor_that_its_client_has(gateway: Gateway) -> None:
    await gateway.asked("ann", 1, 2, 3, announced=False)
    async with gateway.socket(cursor=CURSOR.write(2, 0)) as ann:
        await ann.next("live")
        await gateway.until_told("d1", "d2", "d3")


async def test_who_reads_the_inbox_anew_was_told_nothing(gateway: Gateway) -> None:
    await gateway.asked("ann", 1, 2, announced=False)
    async with gateway.socket(cursor="nonsense") as ann:
        await ann.next("reset")
        await ann.next("live")
        await turns()
        assert gateway.told == []
        await gateway.asked("ann", 3)
        await gateway.until_told("d3")
    assert gateway.told == ["d3"]


async def test_a_client_that_does_not_read_has_reached_nothing(gateway: Gateway) -> None:
    async with gateway.socket() as ann:
        await ann.next("live")
        ann.transport.unsent = 1 << 30
        await gateway.asked("ann", 1)
        await turns()
    assert gateway.told == []


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", ["receipt_rows.outages", "kafka"])
async def test_it_waits_for_mongodb_and_kafka_and_the_sockets_go_on(
    gateway: Gateway, what: str, after_effect: bool
) -> None:
    outages: Outages = gateway.receipt_rows.outages if "rows" in what else gateway.kafka
    async with gateway.socket() as ann:
        await ann.next("live")
        outages.add(after_effect=after_effect)
        await gateway.asked("ann", 1)
        await turns_until(lambda: outages.met, what="the outage")
        await gateway.asked("ann", 2)
        assert [told["item"]["offset"] for told in ann.told if told["type"] == "notification"] == [1, 2]
        await gateway.until_told("d1", "d2")


async def test_what_another_process_has_marked_and_not_told_is_told(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "LOOK_SECONDS", 0)
    await gateway.asked("ann", 1, announced=False)
    await gateway.receipt_rows.reach("dead", {"d1": "default:ann"}, {})
    await turns()
    assert gateway.told == [], "it may be about to"
    gateway.receipt_rows.now += 11_000
    async with gateway.socket("bob"):
        await gateway.asked("bob", 9)  # whatever wakes it
        await gateway.until_told("d1")
    assert gateway.told.count("d1") == 1


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "MAX_NOTED", 2)
    gateway = Gateway()
    async with gateway.socket() as ann:
        await ann.next("live")
        await gateway.asked("ann", 1, 2, 3)
        await gateway.receipts.leave()
        assert gateway.told == ["d1", "d2"]
        cursor = ann.told[-1]["cursor"]
    async with gateway.socket(cursor=cursor) as ann:
        await ann.next("live")
        await gateway.receipts.leave()
    assert gateway.told == ["d1", "d2", "d3"]


async def test_a_process_that_ends_does_not_wait_for_what_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "LEAVE_SECONDS", 0.01)
    gateway = Gateway()
    async with gateway.socket() as ann:
        await ann.next("live")
        await gateway.asked("ann", 1)
        gateway.receipt_rows.outages.add(1_000)
        await gateway.receipts.leave()
    assert gateway.told == []


@pytest.mark.parametrize(
    ("since", "rows", "waiting", "has"),
    [
        (None, [], [], None),
        (None, [4, 6], [], CaughtUp(-1, frozenset({4, 6}))),
        (5, [], [], CaughtUp(5)),
        (5, [6], [7], CaughtUp(5, frozenset({6, 7}))),
        (9, [], [10], CaughtUp(-1, frozenset({10}))),
    ],
    ids=["nothing", "new", "resumed", "while it resumed", "reset"],
)
def test_what_a_session_has_told(since: int | None, rows: list[int], waiting: list[int], has: CaughtUp | None) -> None:
    session = resuming(None if since is None else CURSOR.write(since, 0))
    assert session.take_caught_up() is None
    for offset in waiting:
        session.tell(created(offset))
    session.on_rows(snapshot([item(offset) for offset in rows], end=8))
    assert session.take_caught_up() == has
    assert session.take_caught_up() is None, "once"
