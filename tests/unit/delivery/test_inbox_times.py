"""What time does to inboxes is told to who is connected: once it is durable, again when it may not have been."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
import pytest

from services.delivery.channels.in_app import times
from services.delivery.channels.in_app.render import render_item
from services.delivery.channels.in_app.times import Times
from shared.model import ids, inbox
from shared.model.channels import Channel
from shared.model.digests import Digest
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.inbox import Change, InboxItem
from shared.model.inbox_times import TimedChange, TimedChanges
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.outages import Outages
from tests.support.twins.publisher import MemoryPublisher
from tests.support.wait import turns_until

TOPICS = Topics()


class MemoryTimes:
    """A TimedStore of slices that are due, and taken again until they are told."""

    def __init__(self) -> None:
        self.due: deque[TimedChanges] = deque()
        self.told_ones: list[str] = []
        self.outages = Outages(MongoUnavailable)

    async def take(self) -> TimedChanges:
        async with self.outages.call():
            return self.due[0] if self.due else TimedChanges("", (), (), more=False)

    async def done(self, taken: TimedChanges) -> None:
        async with self.outages.call():
            self.due.remove(taken)
            self.told_ones.append(taken.token)


def of(change: Change, *offsets: int, user: str = "ada", life: int = 0) -> TimedChange:
    items = tuple(
        InboxItem(
            id=f"n{offset}", workflow="w", offset=offset, created_at=1, updated_at=a.NOON + offset,
            snoozed_times=2, expires_at=5, deleted_at=a.NOON if change is Change.EXPIRED else None,
        )
        for offset in offsets
    )  # fmt: skip
    return TimedChange("acme", user, life, change, items, 4, 9, 3)


def taken(token: str, *changes: TimedChange, more: bool = False) -> TimedChanges:
    rows = tuple(item.id for each in changes for item in each.items)
    return TimedChanges(token, rows, changes, more)


class Scene:
    def __init__(self) -> None:
        self.store = MemoryTimes()
        self.publisher = MemoryPublisher()
        self.times = Times(store=self.store, publisher=self.publisher, topics=TOPICS)

    @property
    def events(self) -> list[inbox.InboxEvent]:
        return [inbox.decode(output.value or b"") for output in self.publisher.on(TOPICS.inbox)]


async def test_each_inbox_is_told_with_its_counts_and_each_item_is_a_status() -> None:
    scene = Scene()
    scene.store.due.append(taken("s", of(Change.EXPIRED, 1, 2), of(Change.UNSNOOZED, 3, user="bob", life=2)))
    assert not await scene.times.look()
    assert scene.store.told_ones == ["s"]
    over, back = scene.events
    assert [output.key for output in scene.publisher.on(TOPICS.inbox)] == [
        ids.user_key("acme", "ada"), ids.user_key("acme", "bob"),
    ]  # fmt: skip
    assert (over.change, over.at, over.unread, over.unseen, over.counted_to, over.life) == (
        "expired", a.NOON + 2, 4, 3, 9, 0,
    )  # fmt: skip
    assert (back.change, back.life, back.items[0].snoozed_times, back.items[0].deleted_at) == ("unsnoozed", 2, 0, None)
    assert over.items[0].deleted_at == a.NOON
    statuses = [dict(output.headers) for output in scene.publisher.on(TOPICS.statuses)]
    assert [(one["ce_type"], one["ce_subject"]) for one in statuses] == [
        (b"carillon.inbox.expired", b"n1"), (b"carillon.inbox.expired", b"n2"), (b"carillon.inbox.unsnoozed", b"n3"),
    ]  # fmt: skip
    passes = [msgspec.json.decode(output.value or b"")["pass"] for output in scene.publisher.on(TOPICS.statuses)]
    assert passes == [0, 0, 2], "it may be snoozed, and be back, again"


@pytest.mark.parametrize("after_effect", [False, True])
async def test_what_the_log_did_not_take_is_not_told(after_effect: bool) -> None:
    scene = Scene()
    scene.store.due.append(taken("s", of(Change.EXPIRED, 1)))
    scene.publisher.outages.add(1, after_effect=after_effect)
    with pytest.raises(KafkaUnavailable):
        await scene.times.look()
    assert scene.store.told_ones == []
    await scene.times.look()
    assert scene.store.told_ones == ["s"]
    assert len({inbox.encode(event) for event in scene.events}) == 1


async def test_a_log_that_does_not_answer_is_given_up_and_what_it_holds_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(MemoryPublisher):
        discarded = 0

        async def publish(self, outputs: object) -> None:
            await asyncio.Event().wait()

        async def discard(self) -> None:
            self.discarded += 1

    monkeypatch.setattr(times, "TELL_SECONDS", 0.01)
    store, silent = MemoryTimes(), Silent()
    store.due.append(taken("s", of(Change.EXPIRED, 1)))
    with pytest.raises(KafkaUnavailable):
        await Times(store=store, publisher=silent, topics=TOPICS).look()
    assert (silent.discarded, store.told_ones) == (1, [])


async def test_it_looks_again_at_once_while_there_is_more_and_until_it_is_stopped() -> None:
    scene = Scene()
    scene.store.due += [taken(name, of(Change.EXPIRED, 1), more=name != "c") for name in "abc"]
    scene.store.outages.add(1)
    stop = asyncio.Event()
    running = asyncio.create_task(scene.times.run(stop))
    await turns_until(lambda: scene.store.told_ones == ["a", "b", "c"], what="all three")
    assert not running.done()
    stop.set()
    await running


@pytest.mark.parametrize(
    ("for_good", "digest", "expected"),
    [
        (True, None, a.NOON + 5_000),
        (False, None, None),
        (True, Digest(count=3, items=()), None),
    ],
)
def test_only_what_its_producer_said_ends_an_item(for_good: bool, digest: Digest | None, expected: int | None) -> None:
    notification = a.notification(expires_at=a.NOON + 5_000, expires_for_good=for_good)
    delivery = a.delivery(channel=Channel.IN_APP, notification=notification, digest=digest)
    assert render_item(delivery, a.workflow(), 7, a.NOON).expires_at == expected
