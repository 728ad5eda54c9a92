"""`carillon events` against the product: what is dead is shown, and sent again it reaches whom it should."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from msgspec.structs import replace

from shared.catalog.files import read_folder
from shared.catalog.publishing import publish
from shared.kafka.producer import Publisher
from shared.model import ids
from shared.model.outputs import Output
from shared.model.workflows import Workflow
from shared.mongo.api_keys import Scope, create
from shared.process.clock import now_ms
from tests.integration.console.test_cli import run
from tests.support.env import CATALOG, Harness
from tests.support.wait import until

TYPE = "com.example.order.shipped.v1"
DATA = {"order": "A-1", "carrier": "DHL"}


async def send(harness: Harness, **data: Any) -> str:
    """The id of an event that was accepted."""
    body = {"specversion": "1.0", "id": uuid4().hex, "source": "/shop", "type": TYPE, "data": DATA | data}
    headers = {"content-type": "application/cloudevents+json"}
    answer = await harness.call("POST", "/v1/events", data=orjson.dumps(body), headers=headers)
    assert answer["ids"] == [ids.event_id("default", "/shop", body["id"])]
    return str(answer["ids"][0])


async def report(harness: Harness, event: str, key: str = "", **wanted: Any) -> dict[str, Any]:
    """The console's report of an event, once it says what is wanted."""
    headers = {"authorization": f"Bearer {key or await harness.api_key()}"}
    path = f"{harness.url('console')}/v1/events/{event}"

    async def told() -> dict[str, Any]:
        async with harness.client() as http, http.get(path, headers=headers) as response:
            found = await response.json()
        return found if response.status == 200 and wanted.items() <= found.items() else {}

    return await until(told, what=f"event {event} with {wanted}")


async def correct(harness: Harness) -> None:
    """Publishes order.shipped for events that name their customers otherwise."""

    (shipped,) = [found for found in read_folder(CATALOG) if found.key == "order.shipped"]
    corrected: Workflow = replace(shipped, recipients="data.customers")
    publisher = Publisher(harness.names.brokers.kafka, client_id="tests")
    async with harness.database() as database:
        await publish(database, publisher, harness.names.topics, "default", [corrected])
    await publisher.stop()


async def test_a_dead_event_is_shown_and_sent_again_once_the_cause_is_mended(harness: Harness) -> None:
    await harness.start("ingest", "router", "console")
    dead, left = await send(harness, customers=["ana"]), await send(harness, customers=["bob"])
    for event in (dead, left):
        found = await report(harness, event, state="dead", reason="no_recipients")
        assert found["notifications"] == []
    shown = await run(harness, "events", "dead")
    assert dead in shown
    assert left in shown
    await correct(harness)

    async def corrected() -> bool:
        """Whether the router knows it by now."""
        probe = await send(harness, customers=["eve"])
        return (await report(harness, probe))["state"] == "expanded"

    await until(corrected, what="the router knows the corrected workflow")
    assert "1 sent again" in await run(harness, "events", "redrive", dead)
    found = await report(harness, dead, state="expanded", generation=1)
    assert [entry["notifications"] for entry in found["workflows"]] == [1]
    assert "sent again" in await run(harness, "events", "redrive", "--all")
    await report(harness, left, state="expanded", generation=1)
    found = await report(harness, dead, generation=1)
    assert len(found["notifications"]) <= 1, "sent again twice, it is one"
    assert "0 sent again" in await run(harness, "events", "redrive", "--all")
    assert "Which events" in await run(harness, "events", "redrive", code=1)
    assert "unknown" in await run(harness, "events", "redrive", "unknown", code=1)


async def test_an_event_of_which_a_part_was_left_out_may_be_sent_again(harness: Harness) -> None:
    await harness.start("ingest", "router", "console")
    event = await send(harness, customer_ids=["ana", ""])
    found = await report(harness, event, state="expanded", generation=0)
    assert [entry["pointer"] for entry in found["workflows"][0]["left_out"]] == ["/data/customer_ids/1"]
    assert "1 sent again" in await run(harness, "events", "redrive", event)
    await report(harness, event, state="expanded", generation=1)

    async def one() -> bool:
        return len((await report(harness, event))["notifications"]) == 1

    await until(one, what="its notification in the report")


async def test_an_event_is_the_tenants_that_its_key_proves_and_no_header_speaks_for_another(harness: Harness) -> None:
    """Through the router's two topics: what ingest accepted for another tenant is expanded as his, what anyone wrote is not."""
    await harness.start("ingest", "router", "console")
    names = harness.names
    async with harness.database() as database:
        key = await create(database, tenant="other", scopes=frozenset(Scope), name="other")
    accepted, forged = [
        {"specversion": "1.0", "id": uuid4().hex, "source": "/shop", "type": TYPE, "tenant": "other"} for _ in range(2)
    ]
    record = Output(
        names.topics.events, None, b"{}", [(f"ce_{name}", value.encode()) for name, value in forged.items()]
    )
    publisher = Publisher(names.brokers.kafka, client_id="tests")
    await publisher.publish([record])
    await publisher.stop()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
    await harness.call("POST", "/v1/events", data=orjson.dumps(accepted), headers=headers)
    mine, no_ones = [ids.event_id("other", "/shop", event["id"]) for event in (accepted, forged)]
    found = await report(harness, mine, key=key)
    assert (found["tenant"], found["reason"]) == ("other", "no_workflow")
    told = await report(harness, ids.event_id("default", "/shop", forged["id"]))
    assert (told["state"], told["reason"]) == ("dead", "tenant_not_trusted")
    path = f"{harness.url('console')}/v1/events/{no_ones}"
    async with harness.client() as http, http.get(path, headers={"authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 404


async def test_an_event_older_than_what_was_decided_of_it_is_sent_again_only_by_force(harness: Harness) -> None:
    await harness.start("router")
    said = {"specversion": "1.0", "id": uuid4().hex, "source": "/shop", "type": TYPE}
    headers = [
        *((f"ce_{name}", value.encode()) for name, value in said.items()),
        ("content-type", b"application/json"),
        ("carillon_first_accepted", str(now_ms() - 36 * 86_400_000).encode()),
    ]
    publisher = Publisher(harness.names.brokers.kafka, client_id="tests")
    await publisher.publish([Output(harness.names.topics.accepted_events, None, b'{"nobody":1}', headers)])
    await publisher.stop()
    event = ids.event_id("default", "/shop", said["id"])

    async def dead() -> bool:
        return event in await run(harness, "events", "dead")

    await until(dead, what="the dead letter")
    for which in (event, "--all"):
        refused = await run(harness, "events", "redrive", which, code=1)
        assert "more than 35 days ago" in " ".join(refused.split())
    assert "1 sent again" in await run(harness, "events", "redrive", event, "--force")
