from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest

from services.gateway.core.limits import MAX_EVENT_ITEMS
from services.gateway.inbox.changes import Changes
from shared.catalog.cache import Catalog
from shared.model import inbox
from shared.model.inbox import Change
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.process.clock import now_ms
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.support.twins.publisher import MemoryPublisher
from tests.unit.gateway.scenes import ANN, item

TOPICS = Topics("t")
TOMORROW = now_ms() + 86_400_000


class ChangedInbox:
    """A user's inbox, its changes, and what they wrote."""

    def __init__(self) -> None:
        self.store = MemoryInboxStore()
        self.log = MemoryPublisher()
        self.changes = Changes(self.store, self.log, TOPICS, Catalog(SimpleNamespace(workflows=None)))

    async def status_ids(self, *changes: Change) -> list[bytes | None]:
        """Of the item n1, changed in this order."""
        before = len(self.log.on(TOPICS.statuses))
        for change in changes:
            until = TOMORROW if change is Change.SNOOZED else None
            assert await self.changes.apply(ANN, change, ["n1"], until) == 1
        return [dict(status.headers)["ce_id"] for status in self.log.on(TOPICS.statuses)[before:]]


PAIRS = [
    (Change.READ, Change.UNREAD),
    (Change.ARCHIVED, Change.UNARCHIVED),
    (Change.SNOOZED, Change.UNSNOOZED),
]


@pytest.mark.parametrize(("change", "undo"), PAIRS)
async def test_what_is_done_once_more_is_a_status_of_its_own(change, undo):
    """Readers drop statuses whose id they have seen: with one id for both readings they would show it as unread."""
    inbox_ = ChangedInbox()
    await inbox_.store.insert(ANN, [item(1)])
    ids = await inbox_.status_ids(change, undo, change, undo)
    assert len(set(ids)) == 4


async def test_a_repeated_change_has_the_status_id_that_it_had():
    inbox_ = ChangedInbox()
    await inbox_.store.insert(ANN, [item(1)])
    for change in (
        Change.READ,
        Change.UNREAD,
        Change.READ,
        Change.ARCHIVED,
        Change.UNARCHIVED,
        Change.SEEN,
        Change.SNOOZED,
    ):
        first, again = await inbox_.status_ids(change, change)
        assert first == again
    read, unread = await inbox_.status_ids(Change.READ, Change.UNREAD)
    assert await inbox_.status_ids(Change.UNREAD) == [unread]
    assert read != unread


async def test_reading_all_announces_states_without_contents_a_page_at_a_time():
    inbox_ = ChangedInbox()
    await inbox_.store.insert(ANN, [item(offset, body="x" * 100) for offset in range(MAX_EVENT_ITEMS + 1)])
    assert await inbox_.changes.read_all(ANN, None) == MAX_EVENT_ITEMS + 1
    events = [inbox.decode(record.value or b"") for record in inbox_.log.on(TOPICS.inbox)]
    assert [len(event.items) for event in events] == [MAX_EVENT_ITEMS, 1]
    assert {one.body for event in events for one in event.items} == {""}
    assert [event.unread for event in events] == [0, 0]
    assert len(inbox_.log.on(TOPICS.statuses)) == MAX_EVENT_ITEMS + 1


async def test_a_change_says_in_which_life_it_happened():
    """Sockets of another life are told nothing of it."""
    inbox_, successor = ChangedInbox(), msgspec.structs.replace(ANN, life=1)
    await inbox_.store.insert(successor, [item(1)])
    assert await inbox_.changes.apply(successor, Change.READ, ["n1"]) == 1
    [event] = [inbox.decode(record.value or b"") for record in inbox_.log.on(TOPICS.inbox)]
    assert event.life == 1


async def test_the_status_of_a_snooze_says_until_when_and_another_time_is_another_status():
    inbox_ = ChangedInbox()
    await inbox_.store.insert(ANN, [item(1)])
    for until in (TOMORROW, TOMORROW + 1):
        await inbox_.changes.apply(ANN, Change.SNOOZED, ["n1"], until)
    statuses = inbox_.log.on(TOPICS.statuses)
    assert [msgspec.json.decode(status.value or b"")["until"] for status in statuses] == [
        rfc3339(TOMORROW), rfc3339(TOMORROW + 1),
    ]  # fmt: skip
    assert len({dict(status.headers)["ce_id"] for status in statuses}) == 2
    assert [event.items[0].snoozed_times for event in map(inbox.decode, values(inbox_))] == [0, 0]


def values(inbox_: ChangedInbox) -> list[bytes]:
    return [record.value or b"" for record in inbox_.log.on(TOPICS.inbox)]
