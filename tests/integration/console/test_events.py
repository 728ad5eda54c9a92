"""What became of an event, on a real Kafka and a real MongoDB: from the router's rows and statuses to the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.router.core.received_event import EventTenants
from services.router.expand import Expander
from services.router.expansions import Expansions
from shared.model import ids
from shared.model.timestamps import to_datetime
from shared.mongo.fanouts import Fanouts
from tests.integration.console.stage import Console, command, console, decide, why
from tests.support import samples as a
from tests.support.env import Names
from tests.support.twins.catalog import MemoryCatalog
from tests.support.wait import until
from tests.unit.console import test_timeline as made
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


async def test_why_not_says_why_each_user_got_nothing(live):
    await expand(live, a.event_record(data=DATA), a.event_record("e-2", data=b'{"too":["ada"]}'))
    other = ids.event_id("default", "/shop", "e-2")
    await told(live, EVENT)
    await told(live, other)
    code, answer = await live.get(f"/v1/users/bob/why-not?event={EVENT}")
    assert (code, answer["notifications"]) == (200, [])
    assert "did not name bob among them; left out:" in answer["sentences"][-1]["text"]
    assert (await live.get(f"/v1/users/a%2Fb/why-not?event={EVENT}"))[1]["user"] == "a/b", "an id may have a slash"
    code, answer = await live.get(f"/v1/users/ada/why-not?event={other}")
    assert (code, answer["sentences"][-1]["reason"]) == (200, "no_recipients")
    assert [f"carillon events redrive {other}" in step for step in answer["next_steps"]] == [True]
    assert [(await live.get(f"/v1/users/ada/why-not?event={EVENT}", key))[0] for key in ("other", "sender", None)] == [
        404, 403, 401,
    ]  # fmt: skip
    assert (await live.get("/v1/users/ada/why-not"))[0] == 422
    code, out, err = await command(live, "why-not", "bob", EVENT, "--key", live.keys["default"])
    assert code == 0, err
    assert "did not name bob" in out


async def test_why_not_tells_what_became_of_their_notification(live):
    await decide(live)
    await live.until(entries=1)
    code, answer = await live.get("/v1/users/ana/why-not?event=e1")
    assert (code, answer["notifications"]) == (200, [made.NOTIFICATION.id])
    assert "no_address" in [one.get("reason") for one in answer["sentences"]]
    code, answer = await live.get("/v1/users/bob/why-not?event=e1")
    assert answer["sentences"][-1]["text"] == "order.shipped did not name bob among its recipients."


async def test_a_fan_out_is_part_of_its_event(live):
    row = {"_id": "f", "tenant": "default", "event": "e9", "workflow": "news", "version": 2, "state": "running"}
    await live.database.fanouts.insert_one(
        row | {"page": 3, "recipients": 1_000, "skipped": 0, "topic": "news", "template": b"secret"}
    )
    status = {"tenant": "default", "notification": "f", "user": "f", "at": to_datetime(made.ACCEPTED)}
    data = {"event_id": "e9", "workflow": "news", "fanout": "f"}
    await live.database.timeline.insert_many(
        [
            status | {"_id": state, "type": f"carillon.fanout.{state}", "subject": "f", "data": data}
            for state in ("started", "done")
        ]
    )
    assert (await live.get("/v1/notifications/f/why"))[0] == 404, "it is no notification"
    code, answer = await live.get("/v1/events/e9")
    assert (code, answer["state"], answer["reason"]) == (200, "expanded", None)
    assert answer["notifications"] == [], "its statuses are of no notification"
    assert answer["fanouts"] == [
        {"id": "f", "workflow": "news", "version": 2, "state": "running", "pages": 3, "recipients": 1_000, "skipped": 0, "topic": "news"}
    ]  # fmt: skip
    code, answer = await live.get("/v1/users/ana/why-not?event=e9")
    assert "1000 so far, ana not yet, or not among them" in answer["sentences"][-1]["text"]
