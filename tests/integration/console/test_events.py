"""What became of an event, on a real Kafka and a real MongoDB: from the router's rows and statuses to the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.router.core.received_event import EventTenants
from services.router.expand import Expander
from services.router.expansions import Expansions
from shared.model import ids
from shared.mongo.fanouts import Fanouts
from tests.integration.console.stage import Console, console, why
from tests.support import samples as a
from tests.support.env import Names
from tests.support.twins.catalog import MemoryCatalog
from tests.support.wait import until
from tests.unit.router.expand_stores import SHIPPED

EVENT = ids.event_id("default", "/shop", "e-1")
DATA = b'{"to":["ada",""]}'


@pytest.fixture
async def live(names: Names) -> AsyncIterator[Console]:
    async with console(names) as made_console:
        yield made_console


async def expand(live: Console, *records) -> None:
    """What the router does with records of the public topic."""
    catalog = MemoryCatalog()
    catalog.publish("default", SHIPPED)
    await catalog.load()
    tenants = EventTenants(internal=live.topics.accepted_events)
    expander = Expander(
        expansions=Expansions(live.database),
        fanouts=Fanouts(live.database),
        publisher=live.publisher,
        catalog=catalog,
        topics=live.topics,
        tenants=tenants,
    )
    await expander.finish(await expander.prepare(records))


async def told(live: Console, event: str) -> dict:
    """The answer, once the console has the event's status."""

    async def stored() -> bool:
        return await live.database.timeline.count_documents({"notification": event}) > 0

    await until(stored, what="the event's status in the timeline")
    code, answer = await live.get(f"/v1/events/{event}")
    assert code == 200
    return answer


async def test_an_event_says_what_became_of_it(live):
    await expand(live, a.event_record(data=DATA))
    answer = await told(live, EVENT)
    (shipped,) = answer["workflows"]
    assert (shipped["workflow"], shipped["outcome"], shipped["notifications"]) == ("order.shipped", "expanded", 1)
    assert [left_out["pointer"] for left_out in shipped["left_out"]] == ["/data/to/1"]
    assert (answer["state"], answer["source_id"]) == ("expanded", "e-1")


async def test_an_event_that_told_nobody_says_why(live):
    dead, nobody, foreign = a.event_record("e-1", data=b'{"too":["ada"]}'), "e-2", a.event_record("e-3", tenant="acme")
    await expand(live, dead, a.event_record(nobody, data=b'{"to":[]}'), foreign, a.event_record("e-4", type="other"))
    answers = [await told(live, ids.event_id("default", "/shop", f"e-{number}")) for number in (1, 2, 3, 4)]
    assert [(answer["state"], answer["reason"]) for answer in answers] == [
        ("dead", "no_recipients"), ("expanded", "nobody_named"), ("dead", "tenant_not_trusted"), ("expanded", "no_workflow"),
    ]  # fmt: skip
    code, answer = await live.get(f"/v1/events/{EVENT}/notifications")
    assert (code, answer["notifications"], answer["reason"]) == (200, [], "no_recipients")


async def test_an_event_is_its_tenants_and_no_notification(live):
    await expand(live, a.event_record(data=DATA))
    await told(live, EVENT)
    for path in (f"/v1/events/{EVENT}", f"/v1/events/{EVENT}/notifications"):
        assert (await live.get(path, "other"))[0] == 404
        assert (await live.get(path, "sender"))[0] == 403
        assert (await live.get(path, None))[0] == 401
    assert (await live.timeline(EVENT))[1]["code"] == "unknown_notification"
    assert (await live.get("/v1/events/unknown"))[1]["code"] == "unknown_event"


async def test_carillon_why_knows_an_event_by_its_id(live):
    await expand(live, a.event_record(data=b'{"too":["ada"]}'))
    await told(live, EVENT)
    code, out, err = await why(live, EVENT, live.keys["default"])
    assert code == 0, err
    for part in (
        "com.example.order.shipped",
        "order.shipped v3",
        "nothing stands at data.to",
        "/data/to",
        "carillon events redrive",
    ):
        assert part in out, out
