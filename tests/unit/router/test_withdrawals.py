"""Withdrawals on their way through the router: each who has it is told once in the lane of in_app, piece by piece."""

from __future__ import annotations

import pytest

from shared.model import ids
from shared.model.channels import Channel
from shared.model.errors import MongoUnavailable
from shared.model.inbox import InboxItem
from shared.model.outputs import Output
from shared.model.records import Kind, Record, decode_record, withdraw
from shared.model.withdrawals import Withdrawal
from shared.mongo import inbox_withdrawing
from shared.mongo.inbox_writing import NewInboxRow
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry

pytestmark = pytest.mark.usefixtures("clock")
LANE = TOPICS.deliveries(Channel.IN_APP)
WHAT = Withdrawal(cancellation_key="k", count=3)


def row(user: str, number: int, **more: int) -> NewInboxRow:
    item = InboxItem(id=f"n-{number}", workflow="order.shipped", offset=number, created_at=a.NOON)
    return NewInboxRow(f"{user}-{number}", "acme", user, item, more.get("life", 0), "notify", "k", more.get("count", 0))


def records(outputs: list[Output], topic: str) -> list[Record]:
    return [decode_record(output.value) for output in outputs if output.topic == topic]


async def test_those_who_have_any_of_it_are_told_in_their_lane() -> None:
    stores = DecideStores()
    await stores.inboxes.insert([row("ada", 1), row("ada", 2), row("bob", 3, life=2), row("eve", 4, count=3)])
    await carry(stores.decider(), at(0, withdraw("acme", WHAT)))
    told = records(stores.publisher.written, LANE)
    assert [(one.kind, one.user, one.life, one.withdraws) for one in told] == [
        (Kind.WITHDRAW, "ada", 0, WHAT),
        (Kind.WITHDRAW, "bob", 2, WHAT),
    ]
    assert [output.key for output in stores.publisher.on(LANE)] == [
        ids.user_key("acme", "ada"),
        ids.user_key("acme", "bob"),
    ]
    assert not records(stores.publisher.written, TOPICS.notifications), "there is no more"


async def test_many_go_on_with_a_record_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_withdrawing, "MAX_HOLDERS", 2)
    stores = DecideStores()
    await stores.inboxes.insert([row(f"u{number}", number) for number in range(5)])
    pieces, told = 0, list[str]()
    following = [withdraw("acme", WHAT)]
    while following:
        await carry(stores.decider(), at(pieces, following[0]))
        pieces += 1
        outputs, stores.publisher.written = stores.publisher.written, []
        told += [one.user for one in records(outputs, LANE)]
        following = records(outputs, TOPICS.notifications)
    assert (pieces, told) == (3, [f"u{number}" for number in range(5)])


async def test_an_outage_is_repeated() -> None:
    stores = DecideStores()
    await stores.inboxes.insert([row("ada", 1)])
    decider = stores.decider()
    prepared = await decider.prepare([at(0, withdraw("acme", WHAT))])
    stores.inboxes.outages.add()
    with pytest.raises(MongoUnavailable):
        await decider.finish(prepared)
    await decider.finish(prepared)
    assert [one.user for one in records(stores.publisher.written, LANE)] == ["ada"]


def test_an_older_version_waits_for_one_that_knows_it() -> None:
    assert withdraw("acme", WHAT).format == 2
