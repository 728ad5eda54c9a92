"""The suppression list as `decide` is given it: with the profile, for inline people each time."""

from __future__ import annotations

from typing import Any

import pytest
from bson import decode

from services.router.core.inbound import read
from shared.deciding.items import Suppress
from shared.deciding.routing_input import RoutingInput
from shared.model.channels import Channel
from shared.model.formats import NewerFormat
from shared.model.notifications import Contact
from shared.model.outputs import KafkaRecord, Output
from shared.model.owners import address_ids
from shared.model.profiles import Preferences
from shared.model.reasons import Reason
from shared.model.records import decode_record, profile_changed
from shared.model.suppressions import Suppression, SuppressionReason
from tests.support import samples as a
from tests.unit.router.scenes import TOPICS, DecideStores, at, carry, new, retry

pytestmark = pytest.mark.usefixtures("clock")
EVE = Contact(addresses={"email": "Eve@example.com", "phone": "+4915112345678"})


def listed(reason: str = "bounced", category: str | None = None, **address: str) -> Suppression:
    (found,) = address_ids(address or {"email": "ada@example.com"})
    return Suppression(tenant="acme", address=found, reason=SuppressionReason(reason), category=category)


async def loaded(inputs: Any, *chunk: KafkaRecord) -> list[RoutingInput]:
    return [found for found, _ in await inputs.load(read(chunk).inbound, a.NOON)]


async def closed(inputs: Any, **about: Any) -> tuple[str, ...]:
    (found,) = await loaded(inputs, new(0, **about))
    return found.suppressed


async def test_it_is_read_with_the_profile_and_again_when_that_is_said_to_have_changed() -> None:
    stores = DecideStores()
    inputs = stores.inputs()
    assert await closed(inputs) == ()
    await stores.suppressions.put(listed())
    assert await closed(inputs) == (), "what it knows it keeps until it is told"
    inputs.evict(read([at(1, profile_changed("acme", "ada"))]).changed)
    assert await closed(inputs) == ("email",)
    asked = len(stores.suppressions.asked)
    assert await closed(inputs) == ("email",)
    assert len(stores.suppressions.asked) == asked
    assert await closed(inputs, user="bob") == ("email",), "whoever has the address"


async def test_all_misses_of_a_chunk_are_one_question() -> None:
    stores = DecideStores()
    await loaded(stores.inputs(), new(0), new(1, user="bob"), new(2, user="eve"), new(3, user="nobody"))
    assert len(stores.suppressions.asked) == 1


async def test_an_inline_persons_are_read_each_time() -> None:
    stores = DecideStores()
    inputs = stores.inputs()
    assert await closed(inputs, user="hash", contact=EVE) == ()
    await stores.suppressions.put(listed(email="eve@example.com"))
    assert await closed(inputs, user="hash", contact=EVE) == ("email",)
    await stores.suppressions.remove("acme", listed(email="eve@example.com").address, category=None)
    assert await closed(inputs, user="hash", contact=EVE) == ()


async def test_of_what_fills_gaps_of_a_profile_only_the_gaps_count() -> None:
    stores = DecideStores()
    await stores.suppressions.put(listed(email="eve@example.com"))
    await stores.suppressions.put(listed(phone="+4915112345678"))
    assert await closed(stores.inputs(), contact=EVE) == ("phone",)


async def test_category_and_critical_are_the_workflows() -> None:
    stores = DecideStores()
    stores.catalog.publish("acme", a.workflow(key="order.failed", critical=True))
    await stores.suppressions.put(listed("unsubscribed", "news"))
    assert await closed(stores.inputs()) == ()
    await stores.suppressions.put(listed("unsubscribed", "orders"))
    inputs = stores.inputs()
    assert await closed(inputs) == ("email",)
    assert await closed(inputs, workflow="order.failed") == ()
    assert await closed(inputs, workflow="unknown") == ()


async def test_the_snapshot_says_what_the_list_said() -> None:
    stores = DecideStores()
    await stores.suppressions.put(listed("unsubscribed", "news"))
    await carry(stores.decider(), new(0))
    (decision,) = stores.decisions.rows.values()
    kept = decode(decision.snapshot.raw)["suppressions"]  # type: ignore[attr-defined]
    assert kept == [{"kind": "email", "reason": "unsubscribed", "category": "news"}]
    assert b"example.com" not in decision.snapshot.raw  # type: ignore[attr-defined]


@pytest.mark.parametrize("contact", [None, EVE])
async def test_an_entry_of_a_newer_version_is_waited_for(contact: Contact | None) -> None:
    stores = DecideStores()
    for address in ("ada@example.com", "eve@example.com"):
        newer = Suppression(
            tenant="acme", address=listed(email=address).address, reason=SuppressionReason.MANUAL, format=a.NEWER
        )
        await stores.suppressions.put(newer)
    inputs = stores.inputs()
    with pytest.raises(NewerFormat):
        await closed(inputs, user="hash" if contact else "ada", contact=contact)
    await stores.suppressions.remove("acme", listed().address, category=None)
    assert await closed(inputs) == (), "nothing of it is kept"


def ended(stores: DecideStores, channel: str = "email") -> list[Reason | None]:
    """Of each decision the reason about this channel, or about the whole."""
    return [
        item.reason
        for decision in stores.decisions.rows.values()
        for item in decision.items
        if isinstance(item, Suppress) and (item.channel is None or item.channel == channel)
    ]


def mails(stores: DecideStores) -> list[Output]:
    return stores.publisher.on(TOPICS.deliveries(Channel.EMAIL))


ADA = Contact(addresses={"email": "ADA@example.com"})


async def named_in_every_way(stores: DecideStores) -> None:
    """By id, as an inline person who is a user, and as one who tries again."""
    stores.profiles.put(*(a.profile(user=other, addresses={}) for other in ("bob", "eve")))
    await carry(stores.decider(), new(0))
    await carry(stores.decider(), new(1, user="hash", contact=ADA, event_id="e-2"))
    forwarded = stores.publisher.on(TOPICS.notifications)
    await carry(stores.decider(), *[at(10 + place, decode_record(each.value)) for place, each in enumerate(forwarded)])
    await carry(stores.decider(), retry(20, id="n-20")[1])


async def test_an_address_on_the_list_gets_nothing_whichever_way_it_is_named() -> None:
    control = DecideStores()
    await named_in_every_way(control)
    assert len(mails(control)) == 3
    stores = DecideStores()
    await stores.suppressions.put(listed())
    await named_in_every_way(stores)
    assert mails(stores) == []
    assert ended(stores) == [
        Reason.ADDRESS_SUPPRESSED, Reason.KNOWN_USER, Reason.ADDRESS_SUPPRESSED, Reason.ADDRESS_SUPPRESSED,
    ]  # fmt: skip


async def test_nor_does_that_of_a_user_who_opted_out() -> None:
    stores = DecideStores()
    stores.profiles.put(a.profile(preferences=Preferences(categories={"orders": False})))
    await named_in_every_way(stores)
    assert stores.publisher.on(TOPICS.deliveries(Channel.EMAIL)) == []
    opted_out = Reason.CATEGORY_OPTED_OUT
    assert ended(stores) == [opted_out, Reason.KNOWN_USER, opted_out, opted_out]


async def test_nor_one_that_nobody_has() -> None:
    stores = DecideStores()
    await stores.suppressions.put(listed("unsubscribed", "orders", email="eve@example.com"))
    await carry(stores.decider(), new(0, user="hash", contact=EVE))
    assert mails(stores) == []
    assert Reason.ADDRESS_SUPPRESSED in ended(stores)
