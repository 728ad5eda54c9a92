"""An inline person is the user who has the address now: that life of theirs, whoever had the id before or has it later."""

from __future__ import annotations

import msgspec
import pytest

from shared.model import ids
from shared.model.deliveries import Delivery
from shared.model.formats import NewerFormat
from shared.model.lives import Life
from shared.model.notifications import Contact
from shared.model.outputs import KafkaRecord
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, decode_delivery, notify
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new

pytestmark = pytest.mark.usefixtures("clock")
EMAIL = {"email": "lovelace@example.com"}
ADA = Contact(addresses=EMAIL)
INLINE = ids.inline_user_id("lovelace@example.com")
HOUR = 3_600_000


@pytest.fixture
def stores() -> DecideStores:
    found = DecideStores()
    found.profiles.put(a.profile(addresses=EMAIL))
    return found


def forwarded(stores: DecideStores, offset: int) -> KafkaRecord:
    (output,) = stores.publisher.on(TOPICS.notifications)
    return a.record(output.value, topic=TOPICS.notifications, partition=1, offset=offset)


def sent(stores: DecideStores) -> list[Delivery]:
    return [decode_delivery(output.value) for output in stores.publisher.on(TOPICS.deliveries(a.ALL[1]))]


def reason(stores: DecideStores) -> Reason | None:
    return list(stores.decisions.rows.values())[-1].items[0].reason


async def test_what_was_scheduled_before_a_successor_came_is_theirs_when_its_time_has_come(
    stores: DecideStores,
) -> None:
    """Meant is whoever has the address then; the life that ended meanwhile has nothing to do with it."""
    stores.profiles.put(a.profile(addresses=EMAIL, life=Life(number=1, since=a.NOON - HOUR)))
    about = a.notification(user=INLINE, contact=ADA, accepted_at=a.NOON - 2 * HOUR, deliver_at=a.NOON)
    released = msgspec.structs.replace(notify(about), kind=Kind.RELEASE, pass_=1, due=a.NOON)
    await carry(stores.decider(), at(0, released))
    await carry(stores.decider(), forwarded(stores, 1))
    assert [(one.address, one.notification.life) for one in sent(stores)] == [("lovelace@example.com", 1)]


async def test_deleted_in_between_it_ends_whatever_the_clocks_say(stores: DecideStores) -> None:
    """It was accepted before, by a clock that is an hour ahead of the one that says when the life ended."""
    await carry(stores.decider(), new(0, user=INLINE, contact=ADA, accepted_at=a.NOON))
    stores.profiles.put(a.profile(addresses=EMAIL, life=Life(number=1, since=a.NOON - HOUR)))
    await carry(stores.decider(), forwarded(stores, 1))
    assert (sent(stores), reason(stores)) == ([], Reason.USER_DELETED)


async def test_a_profile_of_the_life_before_is_not_taken_for_theirs(stores: DecideStores) -> None:
    """The deletion's record stands behind it on the log, and what is remembered is of before."""
    stores.profiles.put(a.profile(addresses={"email": "former@example.com"}))
    decider = stores.decider()
    await carry(decider, new(0))
    stores.profiles.put(a.profile(addresses=EMAIL, life=Life(number=1, since=a.NOON)))
    await carry(decider, new(1, user=INLINE, contact=ADA, workflow="order.shipped", event_id="e-2"))
    await carry(decider, forwarded(stores, 2))
    assert [one.address for one in sent(stores)] == ["former@example.com", "lovelace@example.com"]


async def test_what_only_a_newer_version_knows_of_those_who_share_an_address_is_not_guessed(
    stores: DecideStores,
) -> None:
    """What one of them allows is in a form that is not read here: it waits."""
    stores.profiles.put(a.profile(user="eva", addresses=EMAIL, format=a.NEWER))
    with pytest.raises(NewerFormat) as raised:
        await carry(stores.decider(), new(0, user="bob"), new(1, user=INLINE, contact=ADA))
    assert (raised.value.what, raised.value.at) == ("profile", new(1).coordinates)


async def test_nor_before_it_is_tried_again(stores: DecideStores) -> None:
    stores.profiles.put(a.profile(addresses=EMAIL, preferences=Preferences(), format=a.NEWER))
    delivery = a.delivery(notification=a.notification(user=INLINE, contact=ADA), attempts=1)
    back = Record(kind=Kind.RETRY, tenant="acme", user=INLINE, subject=delivery.id, pass_=1, delivery=delivery)
    with pytest.raises(NewerFormat):
        await carry(stores.decider(), at(1, back))
