"""Sending: data against the workflow's schema, and what it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.ingest.models.body import InvalidFields
from tests.support import samples as a
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
