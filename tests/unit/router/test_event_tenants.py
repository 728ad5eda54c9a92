"""Whose event it is: on a topic that anyone may write to, a name in a header proves nothing."""

from __future__ import annotations

import orjson
import pytest

from shared.model import ids
from tests.support import samples as a
from tests.unit.router.expand_stores import TOPICS, ExpandStores, carry

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def stores() -> ExpandStores:
    return ExpandStores()


def owners(stores: ExpandStores) -> list[str]:
    return [found.tenant for found in stores.notifications]


async def test_the_public_topic_speaks_for_one_tenant(stores: ExpandStores) -> None:
    await carry(await stores.expander(), a.event_record("e-1"), a.event_record("e-2", offset=6, tenant="default"))
    assert owners(stores) == ["default", "default"]


async def test_an_event_for_another_is_neither_his_nor_the_topics_own(stores: ExpandStores) -> None:
    """It is set aside with a status, and a good neighbour goes on."""
    foreign = a.event_record("e-1", tenant="acme")
    await carry(await stores.expander(), foreign, a.event_record("e-2", offset=6))
    assert owners(stores) == ["default"]
    (letter,) = stores.publisher.on(TOPICS.events_dlq)
    assert (letter.value, dict(letter.headers)["error_code"]) == (foreign.value, b"tenant_not_trusted")
    found = {dict(output.headers)["ce_tenant"] for output in stores.publisher.on(TOPICS.statuses)}
    assert found == {b"default"}, "the other tenant is told nothing that others may write"
    status = orjson.loads(stores.publisher.on(TOPICS.statuses)[0].value or b"")
    assert (status["event"], status["reason"]) == (ids.event_id("default", "/shop", "e-1"), "tenant_not_trusted")


async def test_a_test_takes_no_place_of_the_same_event_in_earnest(stores: ExpandStores) -> None:
    marked = a.event_record("e-1")
    marked = marked._replace(headers=[*marked.headers, ("ce_carillontest", b"true")])
    await carry(await stores.expander(), marked, a.event_record("e-1", offset=6))
    first, second = stores.notifications
    assert (first.test, second.test) == (True, False)
    assert first.id != second.id


async def test_where_the_brokers_acls_are_trusted_the_event_speaks_for_itself(stores: ExpandStores) -> None:
    stores.trusted = True
    await carry(await stores.expander(), a.event_record("e-1", tenant="acme"), a.event_record("e-2", offset=6))
    assert owners(stores) == ["acme", "default"]


async def test_on_the_topic_of_ingest_the_tenant_is_the_keys(stores: ExpandStores) -> None:
    record = a.event_record("e-1", tenant="acme")._replace(topic=TOPICS.accepted_events)
    await carry(await stores.expander(), record)
    assert owners(stores) == ["acme"]


async def test_an_event_set_aside_is_expanded_once_its_tenant_is_trusted(stores: ExpandStores) -> None:
    foreign = a.event_record("e-1", tenant="acme")
    await carry(await stores.expander(), foreign)
    stores.trusted = True
    await carry(await stores.expander(), foreign._replace(offset=9))
    assert owners(stores) == ["acme"]


@pytest.mark.parametrize("tenant", ["Acme", "a\u00e4", "a" * 65, "-a"])
async def test_a_name_that_is_none_is_no_tenant(stores: ExpandStores, tenant: str) -> None:
    stores.trusted = True
    await carry(await stores.expander(), a.event_record("e-1", tenant=tenant))
    (letter,) = stores.publisher.on(TOPICS.events_dlq)
    assert dict(letter.headers)["error_code"] == b"invalid_tenant"
