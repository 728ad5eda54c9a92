"""Data against the schemas of workflows, at the producers' edge: every field named, nothing accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from services.ingest.data_checks import data_faults, event_faults
from services.ingest.events_api import _check_data, _outputs, read_events
from services.ingest.models.body import InvalidFields
from shared.model.event_codecs import BATCH, STRUCTURED
from shared.model.events import Event
from shared.model.formats import NewerFormat
from shared.model.workflows import Workflow, parse
from tests.support.twins.catalog import MemoryCatalog
from tests.unit.ingest.scenes import call

SCHEMA = {"type": "object", "required": ["order"], "properties": {"order": {"type": "string"}}}


def workflow(**more: Any) -> Workflow:
    file = {
        "key": "order.shipped",
        "category": "orders",
        "on": ["com.example.order.*"],
        "recipients": "data.to",
        "schema": SCHEMA,
        "steps": [{"key": "notify", "channels": ["webhook"]}],
    }
    return parse(file | more)


async def catalog(*workflows: Workflow) -> MemoryCatalog:
    found = MemoryCatalog()
    found.publish("acme", *workflows)
    await found.load()
    return found


def event(data: Any, **attributes: str) -> Event:
    known = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.order.shipped"}
    return Event(attributes=known | attributes, data=orjson.dumps(data))


def test_what_is_wrong_is_named_with_the_workflow() -> None:
    assert data_faults(workflow(), {"order": "A"}) == []
    assert data_faults(workflow(schema=None), {"order": 7}) == []
    (missing,) = data_faults(workflow(), {})
    assert missing == ("/data/order", "is required, says the schema of order.shipped")


@pytest.mark.parametrize(
    ("found", "workflows", "pointers"),
    [
        (event({"order": "A"}), [workflow()], []),
        (event({"order": 7}), [workflow()], ["/data/order"]),
        (event({"order": 7}), [workflow(schema=None)], []),
        (event({"order": 7}), [workflow(active=False)], []),
        (event({"order": 7}), [workflow(on=["com.example.user.*"])], []),
        (event({"order": 7}, type="com.example.user.created"), [workflow()], []),
        (event({}), [workflow(), workflow(key="other")], ["/data/order", "/data/order"]),
        (event({"vip": False}), [workflow(when={"data.vip": True})], []),
        (event({"vip": True}), [workflow(when={"data.vip": True})], ["/data/order"]),
        (event(None), [workflow()], ["/data"]),
    ],
)
async def test_an_event_is_checked_by_the_workflows_that_it_starts(
    found: Event, workflows: list[Workflow], pointers: list[str]
) -> None:
    known = await catalog(*workflows)
    assert [pointer for pointer, _ in event_faults(known, "acme", found)] == pointers
    assert list(event_faults(known, "other", found)) == []


async def test_what_only_a_newer_version_knows_is_left_to_it() -> None:
    known = await catalog(workflow())
    known.publish_newer("acme", "order.audit", 1, {"on": ["com.example.order.shipped"]})
    await known.load()
    with pytest.raises(NewerFormat):
        known.started_by("acme", "com.example.order.shipped")
    assert list(event_faults(known, "acme", event({}))) == []


WHOLE = {"specversion": "1.0", "source": "/shop", "type": "com.example.order.shipped"}


async def refused(body: Any, content_type: str) -> InvalidFields:
    asked = call(orjson.dumps(body), content_type=content_type)
    found, batch = read_events(asked.request, asked.raw)
    _outputs(found, asked, "events", batch=batch)
    known = await catalog(workflow())
    with pytest.raises(InvalidFields) as error:
        _check_data(known, found, asked, batch=batch)
    assert error.value.code == "invalid_data"
    return error.value


async def test_a_batch_is_refused_as_a_whole_and_each_field_is_named() -> None:
    events: Sequence[Any] = [
        WHOLE | {"id": "1", "data": {"order": "A"}},
        WHOLE | {"id": "2", "data": {"order": 7}},
        WHOLE | {"id": "3", "data": {}},
    ]
    error = await refused(events, BATCH)
    assert [pointer for pointer, _ in error.pointers] == ["/1/data/order", "/2/data/order"]
    assert "none of 3 events" in error.detail
    error = await refused(events[1], STRUCTURED)
    assert [pointer for pointer, _ in error.pointers] == ["/data/order"]
