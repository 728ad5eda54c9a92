"""Sending: data against the workflow's schema, and what it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import orjson
import pytest

from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import read_send
from tests.support import samples as a
from tests.unit.ingest.scenes import call
from tests.unit.ingest.sending_scene import Scene, sending


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with sending() as found:
        yield found


SCHEMA = {"type": "object", "required": ["order"], "properties": {"order": {"type": "string"}}}


async def test_data_that_misses_the_workflows_schema_is_refused_field_by_field(scene: Scene) -> None:
    scene.catalog.publish("acme", a.workflow(version=4, data_schema=SCHEMA))
    await scene.catalog.load()
    for data, pointer in (({"order": 7}, "/data/order"), ({}, "/data/order"), (None, "/data/order")):
        with pytest.raises(InvalidFields) as refused:
            await scene.send(data=data)
        assert (refused.value.code, refused.value.pointers[0][0]) == ("invalid_data", pointer)
    assert (scene.log.written, scene.outbox.rows) == ([], [])
    await scene.send(data={"order": "A7"})
    assert len(scene.sent) == 1


async def test_what_it_is_about_is_said_by_the_request_or_found_where_the_workflow_looks(scene: Scene) -> None:
    await scene.send(collapse_key="k")
    await scene.send(data={"order": "A7"})
    scene.catalog.publish("acme", a.workflow(version=4, collapse_key="data.order"))
    await scene.catalog.load()
    for wanted in (
        {"data": {"order": "A7"}},
        {"data": {"order": 7}},
        {"data": {"order": "A7"}, "collapse_key": "k"},
        {},
    ):
        await scene.send(**wanted)
    assert [sent.collapse_key for sent in scene.sent] == ["k", None, "A7", "7", "k", None]


async def test_what_it_supersedes_is_that_of_the_same_recipient(scene: Scene) -> None:
    await scene.send(data={"order": "A7"}, recipients=["ada", "bob"])
    first = scene.sent[0].event_id
    await scene.send(data={"order": "A8"}, recipients=["ada", "bob"], supersedes=first)
    earlier, later = scene.sent[:2], scene.sent[2:]
    assert [one.superseded for one in later] == [one.id for one in earlier]
    assert earlier[0].format < later[0].format, "older versions wait with it"
    assert earlier[0].superseded is None


async def test_a_test_is_cancelled_by_tests_alone(scene: Scene) -> None:
    """Else a test run with the names of production would take back what people wait for."""
    body = {"workflow": "order.shipped", "recipients": ["ada"], "cancellation_key": "message-17"}
    for test in (False, True):
        asked = call(orjson.dumps(body), key=f"k-{test}")
        asked = msgspec.structs.replace(asked, caller=msgspec.structs.replace(asked.caller, test=test))
        await scene.sender.send(asked, read_send(body, a.NOON), trace=None, now=a.NOON)
    live, tested = scene.sent
    assert live.cancellation_key == "message-17" != tested.cancellation_key
    assert (live.test, tested.test) == (False, True)
    assert tested.cancellation_key == asked.caller.cancels_by("message-17")
