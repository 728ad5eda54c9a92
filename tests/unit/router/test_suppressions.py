"""The suppression list as `decide` is given it: with the profile, for inline people each time."""

from __future__ import annotations

from typing import Any

import pytest
from bson import decode

from services.router.core.inbound import read
from shared.deciding.routing_input import RoutingInput
from shared.model.formats import NewerFormat
from shared.model.notifications import Contact
from shared.model.outputs import KafkaRecord
from shared.model.owners import address_ids
from shared.model.records import profile_changed
from shared.model.suppressions import Suppression, SuppressionReason
from tests.support import samples as a
from tests.unit.router.scenes import DecideStores, at, carry, new

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
