"""Sending to audiences and to long lists: one fan-out, stored before its first record; never another body."""

from __future__ import annotations

import orjson
import pytest

from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import read_send
from shared.http.problems import Problem
from shared.model import ids
from shared.model.errors import MongoUnavailable
from shared.model.fanouts import MAX_DATA, FanoutPage, Member, decode_page, fanout_id, page_outputs
from shared.model.records import decode_record
from shared.model.topics import Topics
from tests.support import samples as a
from tests.unit.ingest.test_sending import Scene, scene

__all__ = ["scene"]
MANY = [f"u-{number}" for number in range(101)]


@pytest.mark.parametrize(
    "recipients",
    [{"topic": "thread:7"}, {"users": "all", "where": {"profile.locale": ["de"]}}, MANY],
    ids=["topic", "users", "list"],
)
async def test_it_is_stored_and_its_first_record_written(scene: Scene, recipients: object) -> None:
    answer = await scene.send(recipients=recipients, data={"order": "A7"}, actor="u-1", cancellation_key="c")
    found = fanout_id(answer["id"], "order.shipped")
    assert (answer["fanouts"], answer["notifications"], answer["location"]) == ([found], [], f"/v1/fanouts/{found}")
    pages = [decode_page(each.value) for each in scene.log.written if each.topic == Topics().fanouts]
    assert pages == [FanoutPage(fanout=found)]
    started = scene.fanouts.started[found]
    template = started.template
    assert (template.actor, template.cancellation_key, bytes(template.data)) == ("u-1", "c", b'{"order":"A7"}')
    if isinstance(recipients, dict):
        assert (started.topic, started.where) == (recipients.get("topic"), recipients.get("where"))
    assert [each.id for each in started.listed] == (MANY if recipients is MANY else [])


async def test_each_on_it_gets_the_place_of_what_they_had_of_the_earlier_one(scene: Scene) -> None:
    first = (await scene.send(recipients={"topic": "t"}))["id"]
    second = (await scene.send(recipients={"topic": "t"}, supersedes=first))["id"]
    started = scene.fanouts.started[fanout_id(second, "order.shipped")]
    outputs = page_outputs(Topics(), started, [Member("ada"), Member("bob")])
    named = [one.superseded for output in outputs if (one := decode_record(output.value).notification) is not None]
    assert named == [ids.notification_id(first, "order.shipped", user) for user in ("ada", "bob")]


async def test_the_same_call_is_the_same_fan_out(scene: Scene) -> None:
    for _ in range(2):
        await scene.send(recipients={"topic": "t"})
    assert len(scene.fanouts.started) == 1


async def test_without_mongodb_nothing_is_accepted(scene: Scene) -> None:
    scene.fanouts.outages.add()
    with pytest.raises(MongoUnavailable):
        await scene.send(recipients={"topic": "t"})
    assert not scene.log.written


async def test_its_data_are_bounded(scene: Scene) -> None:
    with pytest.raises(Problem) as refused:
        await scene.send(recipients={"topic": "t"}, data={"text": "x" * MAX_DATA})
    assert (refused.value.status, refused.value.code) == (413, "expanded_too_large")


WRONG = [
    ({}, "/recipients"),
    ({"topic": "t", "users": "all"}, "/recipients"),
    ({"topic": ""}, "/recipients/topic"),
    ({"topic": "a\n"}, "/recipients/topic"),
    ({"topic": 7}, "/recipients/topic"),
    ({"users": "some"}, "/recipients/users"),
    ({"topic": "t", "where": {"data.x": 1}}, "/recipients/where/data.x"),
    ({"topic": "t", "where": {"profile.locale": {"like": "d"}}}, "/recipients/where/profile.locale"),
    ({"topic": "t", "were": {}}, "/recipients/were"),
]


@pytest.mark.parametrize(("recipients", "pointer"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_what_is_no_audience_is_refused_where_it_is_wrong(recipients: object, pointer: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        read_send({"workflow": "order.shipped", "recipients": recipients}, a.NOON)
    [(found, detail)] = refused.value.pointers
    assert found.startswith(pointer), (found, detail)
    assert orjson.dumps(detail)
