"""Sending over a log, a catalog and counters in memory: the workflow's version, the records, the answer."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

import msgspec
import orjson
import pytest

from services.ingest import sending as sending_module
from services.ingest.models.body import InvalidFields
from services.ingest.models.notifications import read_send
from services.ingest.sending import EVENT_TYPE, NotificationSender
from services.ingest.unknown_users import UnknownUsers
from shared.http.problems import Problem
from shared.model import expansion, ids
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.output_slices import SLICE_BYTES
from shared.model.outputs import Output
from shared.model.topics import Topics
from tests.support import samples as a
from tests.unit.ingest.scenes import call, everybody
from tests.unit.ingest.sending_scene import Scene, sending

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with sending() as found:
        yield found


async def test_each_recipient_is_a_notification_on_the_log(scene: Scene) -> None:
    answer = await scene.send(
        recipients=["ada", {"email": "eve@example.com"}, "ada"], data={"order": "A7"}, trace=TRACE
    )
    users = ["ada", ids.inline_user_id("eve@example.com")]
    event = answer["id"]
    assert answer == {
        "id": event,
        "notifications": [{"id": ids.notification_id(event, "order.shipped", user), "user": user} for user in users],
        "durability": "log",
        "location": f"/v1/notifications/{ids.notification_id(event, 'order.shipped', 'ada')}/timeline",
    }
    assert [(output.topic, output.key) for output in scene.log.written] == [
        (Topics().notifications, f"acme:{user}".encode()) for user in users
    ]
    for sent in scene.sent:
        assert (sent.workflow, sent.version, sent.event_type, sent.traceparent) == (
            "order.shipped",
            3,
            EVENT_TYPE,
            TRACE,
        )
        assert (sent.accepted_at, bytes(sent.data), sent.cancel_count) == (a.NOON, b'{"order":"A7"}', 0)


async def test_where_the_console_is_elsewhere_the_location_is_there(scene: Scene) -> None:
    sender = NotificationSender(
        acceptance=scene.sender._acceptance,
        catalog=scene.catalog,
        cancellations=scene.cancellations,
        fanouts=scene.fanouts,
        topics=Topics(),
        unknown_users=UnknownUsers(everybody),
        console_url="https://console.example.com",
    )
    location = (await replace(scene, sender=sender).send())["location"]
    assert location.startswith("https://console.example.com/v1/notifications/")


async def test_ids_derive_from_the_key_and_the_body_and_without_a_key_are_new(scene: Scene) -> None:
    same = {(await scene.send(key="k", data=data))["id"] for data in ({"a": 1, "b": 2}, {"b": 2, "a": 1})}
    new = {(await scene.send(key=None))["id"] for _ in range(2)}
    assert (len(same), len(new)) == (1, 2)


async def test_a_key_with_another_body_where_nobody_can_look_it_up_has_its_own_effect(scene: Scene) -> None:
    """Else its notifications would be dropped as duplicates of the first call's: a 202 without an effect."""
    for changes in ({}, {"data": {"order": "B8"}}, {"recipients": ["ada", "bob"]}):
        await scene.send(key="k", **changes)
    assert len({notification.id for notification in scene.sent}) == len(scene.sent) == 4


async def test_while_kafka_is_unavailable_the_answer_says_outbox(scene: Scene) -> None:
    scene.log.outages.add()
    answer = await scene.send()
    assert (answer["durability"], scene.log.written) == ("outbox", [])
    assert [row.output.key for row in scene.outbox.rows] == [b"acme:ada"]


async def test_what_is_keyed_carries_the_keys_counter(scene: Scene) -> None:
    await scene.cancellations.cancel("acme", "c")
    await scene.cancellations.cancel("other", "d")
    for key in ("c", "d"):
        await scene.send(cancellation_key=key)
    assert [(sent.cancellation_key, sent.cancel_count) for sent in scene.sent] == [("c", 1), ("d", 0)]


async def test_without_the_counter_nothing_keyed_is_accepted(scene: Scene) -> None:
    scene.cancellations.outages.add()
    with pytest.raises(MongoUnavailable):
        await scene.send(cancellation_key="c")
    assert (scene.log.written, scene.outbox.rows) == ([], [])


async def test_an_unknown_workflow_is_refused_with_the_likeliest_one(scene: Scene) -> None:
    with pytest.raises(InvalidFields) as refused:
        await scene.send(workflow="order.shiped")
    assert (refused.value.code, refused.value.pointers[0][0]) == ("unknown_workflow", "/workflow")
    assert "order.shipped" in refused.value.detail
    assert scene.log.written == []


async def test_a_workflow_that_was_just_published_is_looked_up_once_in_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidFields):
        await scene.send(workflow="order.delayed")
    scene.catalog.publish("acme", msgspec.structs.replace(a.workflow(), key="order.delayed", version=1))
    with pytest.raises(InvalidFields):
        await scene.send(workflow="order.delayed")
    monkeypatch.setattr(sending_module, "LOOK_SECONDS", 0.0)
    await scene.send(workflow="order.delayed")
    assert [(sent.workflow, sent.version) for sent in scene.sent] == [("order.delayed", 1)]


async def test_data_times_recipients_is_bounded(scene: Scene) -> None:
    users = [f"u{number}" for number in range(100)]
    size = expansion.MAX_EXPANDED // len(users)
    with pytest.raises(Problem) as refused:
        await scene.send(recipients=users, data={"x": "y" * size})
    assert (refused.value.status, refused.value.code) == (413, "expanded_too_large")
    await scene.send(recipients=users, data={"x": "y" * (size - len('{"x":""}'))})
    assert len(scene.sent) == 100


LARGE = {"x": "y" * 160_000}
MANY = [f"u{number}" for number in range(100)]


async def test_what_a_call_becomes_is_never_held_as_a_whole(scene: Scene) -> None:
    scene.log.forgets = True
    body = {"workflow": "order.shipped", "recipients": MANY, "data": LARGE}
    asked, wanted = call(orjson.dumps(body)), read_send(body, a.NOON)
    tracemalloc.start()
    try:
        await scene.sender.send(asked, wanted, trace=None, now=a.NOON)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(scene.log.sizes) > 16_000_000
    assert max(scene.log.sizes) <= SLICE_BYTES
    assert peak < 3 * SLICE_BYTES


async def test_what_kafka_stopped_taking_in_the_middle_is_in_the_outbox_as_a_whole(scene: Scene) -> None:
    """Under the same ids: the part that is on the log, too, counts once."""
    taken = scene.log.publish

    async def breaks(outputs: Iterable[Output]) -> None:
        if scene.log.written:
            raise KafkaUnavailable("in the middle")
        await taken(outputs)

    scene.log.publish = breaks  # type: ignore[method-assign]
    answer = await scene.send(recipients=MANY, data=LARGE)
    assert answer["durability"] == "outbox"
    assert 0 < len(scene.log.written) < len(MANY)
    assert [row.output.key for row in scene.outbox.rows] == [f"acme:{user}".encode() for user in MANY]
    assert [row.output for row in scene.outbox.rows][: len(scene.log.written)] == scene.log.written


async def test_what_it_is_about_goes_along(scene: Scene) -> None:
    await scene.send(recipients=["ada"], subject="complaint/123")
    assert [sent.subject for sent in scene.sent] == ["complaint/123"]
