"""An inline person whose address a user has is that user: asked when it is decided, carried to the user's partition."""

from __future__ import annotations

from typing import cast

import pytest
from bson import decode, encode

from services.router.core.effects import derive_effects
from services.router.decisions import decision_row, replayed
from shared.model import ids
from shared.model.formats import NewerFormat
from shared.model.notifications import Contact, Notification
from shared.model.outputs import Output
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import Kind, Record, decode_delivery, decode_record
from shared.mongo.database import CODEC
from shared.mongo.decisions import DecisionRow
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new

pytestmark = pytest.mark.usefixtures("clock")
EMAILS = TOPICS.deliveries(a.ALL[1])
OWN = {"email": "lovelace@example.com"}
"""Of ada alone; the others share one."""
ADA = Contact(addresses={"email": "Lovelace@Example.com"}, name="A.")
WITH_PHONE = Contact(addresses={"email": "lovelace@example.com", "phone": "+4915112345678"})
INLINE = ids.inline_user_id("lovelace@example.com")
BY_ID = ids.notification_id("e-1", "order.shipped", "ada")


@pytest.fixture
def stores() -> DecideStores:
    found = DecideStores()
    found.profiles.put(a.profile(addresses=OWN))
    return found


def forwarded(stores: DecideStores) -> list[Output]:
    return stores.publisher.on(TOPICS.notifications)


def about(output: Output) -> Notification:
    found = decode_record(output.value).notification
    assert found is not None
    return found


def sent_to(stores: DecideStores) -> list[str]:
    return [decode_delivery(output.value).address for output in stores.publisher.on(EMAILS)]


def reasons(stores: DecideStores) -> list[Reason | None]:
    return [decision.items[0].reason for decision in stores.decisions.rows.values()]


async def test_it_goes_to_the_users_partition_as_if_the_user_had_been_named(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0, user=INLINE, contact=ADA))
    (output,) = forwarded(stores)
    assert output.key == b"acme:ada"
    assert (about(output).id, about(output).user, about(output).contact) == (BY_ID, "ada", None)
    assert (reasons(stores), sent_to(stores)) == ([Reason.KNOWN_USER], [])


async def test_named_by_id_and_inline_is_one_notification(stores: DecideStores) -> None:
    decider = stores.decider()
    await carry(decider, new(0, user=INLINE, contact=ADA), new(1, id=BY_ID))
    await carry(decider, new(2, id=about(forwarded(stores)[0]).id))
    assert sent_to(stores) == ["lovelace@example.com"]


async def test_an_opt_out_of_the_user_counts(stores: DecideStores) -> None:
    stores.profiles.put(a.profile(addresses=OWN, preferences=Preferences(categories={"orders": False})))
    decider = stores.decider()
    await carry(decider, new(0, user=INLINE, contact=ADA))
    (output,) = forwarded(stores)
    found = about(output)
    await carry(decider, new(1, id=found.id, user=found.user))
    assert (reasons(stores), sent_to(stores)) == ([Reason.KNOWN_USER, Reason.CATEGORY_OPTED_OUT], [])


async def test_what_nobody_has_goes_with_it(stores: DecideStores) -> None:
    await carry(stores.decider(), new(0, user=INLINE, contact=WITH_PHONE))
    assert about(forwarded(stores)[0]).contact == Contact(addresses={"phone": "+4915112345678"})


async def test_a_replay_says_the_same_whoever_has_the_address_by_then(stores: DecideStores) -> None:
    first = new(0, user=INLINE, contact=WITH_PHONE)
    await carry(stores.decider(), first)
    stores.profiles.put(a.profile(addresses={}))
    await carry(stores.decider(), first)
    before, again = forwarded(stores)
    assert before == again
    assert sent_to(stores) == []
    (decision,) = stores.decisions.rows.values()
    row = decision_row(decision)
    assert "example.com" not in str(row["items"]), "what is stored tells no address"
    kept = replayed(decision, cast("DecisionRow", decode(encode(row, codec_options=CODEC), CODEC)))
    assert kept is not None
    assert derive_effects(TOPICS, [kept]).outputs == derive_effects(TOPICS, [decision]).outputs


async def test_another_tenants_user_is_nobody_here(stores: DecideStores) -> None:
    stores.profiles.put(a.profile(tenant="other", user="eva", addresses={"email": "eva@example.com"}))
    contact = Contact(addresses={"email": "eva@example.com"})
    await carry(stores.decider(), new(0, user=ids.inline_user_id("eva@example.com"), contact=contact))
    assert (forwarded(stores), sent_to(stores)) == ([], ["eva@example.com"])


async def test_while_mongodb_is_unavailable_it_waits(stores: DecideStores) -> None:
    stores.owners.outages.add()
    await carry(stores.decider(), new(0, user=INLINE, contact=ADA))
    assert stores.owners.outages.met
    assert (len(forwarded(stores)), sent_to(stores)) == (1, [])


async def test_what_one_of_several_mutes_is_sent_to_nobody(stores: DecideStores) -> None:
    both = Contact(addresses={"email": "both@example.com"})
    for user, until in (("bob", a.NIGHT), ("eve", None)):
        stores.profiles.put(a.profile(user=user, addresses=dict(both.addresses), mute_until=until))
    await carry(stores.decider(), new(0, user=ids.inline_user_id("both@example.com"), contact=both))
    assert (reasons(stores), sent_to(stores)) == ([Reason.MUTED], [])


async def test_a_channel_that_waits_is_not_sent_by_what_a_newer_profile_may_forbid(stores: DecideStores) -> None:
    stores.profiles.put(a.profile(addresses=OWN, format=a.NEWER))
    about = a.notification(user=INLINE, contact=ADA)
    back = Record(
        kind=Kind.RELEASE, tenant="acme", user=INLINE, subject="s", notification=about, channel=a.ALL[1], step="notify",
        pass_=1,
    )  # fmt: skip
    with pytest.raises(NewerFormat):
        await carry(stores.decider(), at(0, back))
    assert sent_to(stores) == []
