"""A user is deleted and the id given to somebody else, who inherits nothing: whatever waits, and wherever it is."""

from __future__ import annotations

import msgspec
import pytest
import time_machine

from services.router.core.inbound import read
from services.router.decisions import decision_row, replayed
from shared.model.claims import Closing
from shared.model.deliveries import DeliveryState
from shared.model.holds import Cause, Hastening
from shared.model.lives import Life
from shared.model.profiles import Preferences, Profile
from shared.model.reasons import Reason
from shared.model.records import Record, decode_delivery, decode_record, profile_changed
from shared.mongo import hastening
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new, retry

pytestmark = pytest.mark.usefixtures("clock")
EMAILS = TOPICS.deliveries(a.ALL[1])
DELETED_AT = a.NOON - 500
"""After what `new` has accepted."""
LATER = a.NOON - 1
UNSETTLED = Life(number=1, since=DELETED_AT, settled=False)
TOMBSTONE = Profile(tenant="acme", user="ada", version=8, life=UNSETTLED, deleted=True)
SUCCESSOR = a.profile(version=9, life=UNSETTLED, addresses={"email": "successor@example.com"})
ANNOUNCED = profile_changed("acme", "ada", 1)


@pytest.fixture
def stores() -> DecideStores:
    return DecideStores()


def sent_to(stores: DecideStores) -> list[str]:
    return [decode_delivery(output.value).address for output in stores.publisher.on(EMAILS)]


def reasons(stores: DecideStores) -> list[Reason | None]:
    return [decision.items[0].reason for decision in stores.decisions.rows.values()]


async def test_what_was_read_before_a_deletion_is_not_its_successors(stores: DecideStores) -> None:
    """Accepted before, decided when the successor is there already: by the order of the log alone."""
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=0, settled=False)))
    decider = stores.decider()
    await carry(decider, new(0))
    await carry(decider, new(1), at(2, ANNOUNCED), new(3))
    await carry(decider, new(4))
    await carry(stores.decider(), new(5))
    assert reasons(stores) == [Reason.USER_DELETED, Reason.USER_DELETED, None, None, None]
    assert sent_to(stores) == ["successor@example.com"] * 3


async def test_a_crash_between_the_decisions_and_the_border_gives_nothing_away(stores: DecideStores) -> None:
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=0, settled=False)))
    chunk = [new(0), at(1, ANNOUNCED)]
    await stores.decider().prepare(chunk)
    await carry(stores.decider(), *chunk)
    assert sent_to(stores) == []
    assert reasons(stores) == [Reason.USER_DELETED]


async def test_who_is_deleted_is_told_nothing_and_a_first_profile_later_is(stores: DecideStores) -> None:
    stores.profiles.put(TOMBSTONE)
    decider = stores.decider()
    await carry(decider, at(0, ANNOUNCED), new(1, accepted_at=LATER))
    assert reasons(stores) == [Reason.UNKNOWN_USER]
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=DELETED_AT)))
    await carry(decider, at(2, ANNOUNCED), new(3, accepted_at=LATER))
    assert sent_to(stores) == ["successor@example.com"]


async def test_holds_of_an_earlier_life_are_decided_at_once_and_end(
    stores: DecideStores, clock: time_machine.Traveller
) -> None:
    far = a.NOON + 10 * a.DAY
    decider = stores.decider()
    await carry(decider, new(0, deliver_at=far, expires_at=far + a.DAY), new(1, user="bob", deliver_at=far))
    stores.profiles.put(SUCCESSOR)
    await carry(decider, at(2, ANNOUNCED))
    held = {row.hold.record.user: row for row in stores.holds.rows.values()}
    assert (held["ada"].due, held["bob"].due) == (a.NOON, far)
    await carry(decider, at(3, held["ada"].hold.record))
    assert reasons(stores)[-1] is Reason.USER_DELETED
    assert sent_to(stores) == []


async def test_a_retry_of_an_earlier_life_ends_and_closes_its_row(stores: DecideStores) -> None:
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=DELETED_AT)))
    received, back = retry(0)
    await stores.ledger.claim([received])
    decider = stores.decider()
    prepared = await decider.prepare([back])
    (closing,) = prepared.effects.closings
    assert isinstance(closing, Closing)
    assert (closing.result.state, closing.result.reason) == (DeliveryState.SUPPRESSED, Reason.USER_DELETED)
    assert sent_to(stores) == []


async def test_a_replay_keeps_the_life_it_was_decided_in(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0))
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=0)))
    await carry(stores.decider(), new(0))
    assert [decode_delivery(output.value).notification.life for output in stores.publisher.on(EMAILS)] == [0, 0]


async def test_the_same_event_again_is_a_duplicate_for_the_successor_too(stores: DecideStores) -> None:
    """So the id of a notification does not hold the life: else a replayed event would be sent to the successor."""
    await carry(stores.decider(), new(0))
    stores.profiles.put(msgspec.structs.replace(SUCCESSOR, life=Life(number=1, since=0)))
    await carry(stores.decider(), new(7, id="n-0", accepted_at=LATER))
    assert sent_to(stores) == ["ada@example.com"]


def test_a_stored_decision_says_whose_it_is_and_a_replay_believes_it() -> None:
    stored = a.decision(a.routing_input())
    now = msgspec.structs.replace(stored, notification=msgspec.structs.replace(stored.notification, life=1))
    again = replayed(now, decision_row(stored))
    assert again is not None
    assert again.notification.life == 0
    later = replayed(stored, decision_row(now))
    assert later is not None
    assert later.notification.life == 1


async def test_a_changed_profile_hastens_what_waits_for_quiet_hours_to_end(
    stores: DecideStores, clock: time_machine.Traveller
) -> None:
    clock.move_to(a.NIGHT / 1000)
    decider = stores.decider()
    await carry(decider, new(0, user="eve"))
    stores.profiles.put(a.profile(user="eve", version=8, quiet_hours=None))
    await carry(decider, at(1, profile_changed("acme", "eve")))
    ((row),) = stores.holds.rows.values()
    assert row.due == a.NIGHT
    await carry(decider, at(2, row.hold.record))
    assert sent_to(stores) == ["ada@example.com"]


async def test_a_user_with_many_holds_is_gone_on_with_in_later_chunks(
    stores: DecideStores, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a record of its own, written before this chunk is acknowledged."""
    monkeypatch.setattr(hastening, "MAX_LOOKED_AT", 2)
    monkeypatch.setattr(hastening, "MIN_SHARE", 1)
    clock.move_to(a.NIGHT / 1000)
    decider = stores.decider()
    await carry(decider, *(new(number, user="eve") for number in range(5)))
    held, chunk = sorted(stores.holds.rows), [at(6, profile_changed("acme", "eve"))]
    for offset in range(7, 9):
        stores.publisher.written.clear()
        await carry(decider, *chunk)
        (go_on,) = stores.publisher.on(TOPICS.notifications)
        assert go_on.key == b"acme:eve"
        chunk = [a.record(go_on.value, topic=TOPICS.notifications, partition=1, offset=offset)]
    assert decode_record(go_on.value) == profile_changed("acme", "eve", after=held[3])
    stores.publisher.written.clear()
    await carry(decider, *chunk)
    assert stores.publisher.written == []
    assert {row.due for row in stores.holds.rows.values()} == {a.NIGHT}


def test_two_changes_of_one_user_in_a_chunk_are_one_that_stands_for_both() -> None:
    go_on = at(0, profile_changed("acme", "eve", 1, after="h-5"))
    for chunk in ([go_on, at(1, profile_changed("acme", "eve", 0))], [at(1, profile_changed("acme", "eve", 0)), go_on]):
        assert read(chunk).changed == {"acme:eve": Hastening(1, "")}


@pytest.mark.parametrize("still", [a.NIGHTS, None])
async def test_what_is_hastened_is_decided_as_of_now(
    stores: DecideStores, clock: time_machine.Traveller, still: object
) -> None:
    """With its old due time it would be decided as if the night were over."""
    clock.move_to(a.NIGHT / 1000)
    decider = stores.decider()
    await carry(decider, new(0, user="eve"))
    refusing = Preferences() if still else Preferences(channel_types={"email": False})
    stores.profiles.put(a.profile(user="eve", version=8, quiet_hours=still, preferences=refusing))
    await carry(decider, at(1, profile_changed("acme", "eve")))
    (first,) = stores.holds.held
    await carry(decider, at(2, first.record))
    assert sent_to(stores) == []
    assert reasons(stores)[-1] is (Reason.QUIET_HOURS if still else Reason.CHANNEL_OPTED_OUT)
    if still:
        again = stores.holds.held[-1]
        assert (again.cause, again.due, again.record.pass_) == (Cause.QUIET_HOURS, a.MORNING, 2)
        assert again.id != first.id


async def test_other_holds_and_other_users_wait_on(stores: DecideStores, clock: time_machine.Traveller) -> None:
    clock.move_to(a.NIGHT / 1000)
    decider = stores.decider()
    await carry(decider, new(0, user="eve"), new(1, user="eve", deliver_at=a.MORNING))
    before = {hold_id: row.due for hold_id, row in stores.holds.rows.items()}
    await carry(decider, at(2, Record(kind=ANNOUNCED.kind, tenant="acme", user="bob", subject="acme:bob")))
    assert {hold_id: row.due for hold_id, row in stores.holds.rows.items()} == before
    await carry(decider, at(3, profile_changed("acme", "eve")))
    dues = {row.hold.cause: row.due for row in stores.holds.rows.values()}
    assert dues == {Cause.QUIET_HOURS: a.NIGHT, Cause.SCHEDULED: a.MORNING}


def test_each_deletion_begins_another_life() -> None:
    second = Life().next(5)
    assert second == Life(number=1, since=5, settled=False)
    assert second.next(9).number == 2
