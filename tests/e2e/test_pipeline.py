"""The way of a notification through real services: each way in, each rule at the door, each channel out."""

from __future__ import annotations

from uuid import uuid4

import orjson
import pytest
from confluent_kafka import Producer

from shared.model import ids
from shared.model.timestamps import rfc3339
from shared.process.clock import now_ms
from tests.e2e.scene import DATA, SHIPPED, Scene
from tests.support.env import Harness
from tests.support.wait import until

ALL_SENT = {"in_app": "sent", "email": "sent", "webhook": "sent"}


@pytest.fixture
def scene(product: Harness) -> Scene:
    return Scene(product)


async def test_a_request_reaches_every_channel_once(scene: Scene) -> None:
    user = await scene.person()
    (notification,) = await scene.send(user)
    assert await scene.ends(notification) == ALL_SENT
    (mail,) = await scene.messages("email", user)
    (hook,) = await scene.messages("webhook", user)
    assert mail["subject"] == "Your order A-17 has shipped"
    assert orjson.loads(hook["body"])["notification"] == notification


def cloud_event(user: str) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "/tests",
        "type": SHIPPED,
        "data": DATA | {"customer_ids": [user]},
    }


def expected(event: dict[str, object], user: str) -> str:
    """The notification's id, derived by the producer alone."""
    found = ids.event_id("default", str(event["source"]), str(event["id"]))
    return ids.notification_id(found, "order.shipped", user)


async def test_cloudevents_over_http_in_every_mode(scene: Scene) -> None:
    users = [await scene.person() for _ in range(4)]
    structured, binary, *batch = [cloud_event(user) for user in users]
    call = scene.product.call
    kind = "application/cloudevents"
    await call("POST", "/v1/events", data=orjson.dumps(structured), headers={"content-type": f"{kind}+json"})
    attributes = {f"ce-{name}": str(value) for name, value in binary.items() if name != "data"}
    body = orjson.dumps(binary["data"])
    await call("POST", "/v1/events", data=body, headers={"content-type": "application/json"} | attributes)
    await call("POST", "/v1/events", data=orjson.dumps(batch), headers={"content-type": f"{kind}-batch+json"})
    for user, event in zip(users, [structured, binary, *batch], strict=True):
        assert await scene.ends(expected(event, user)) == ALL_SENT


@pytest.mark.parametrize("codec", ["none", "gzip", "lz4", "snappy", "zstd"])
async def test_cloudevents_from_a_foreign_kafka_client_in_both_modes(scene: Scene, codec: str) -> None:
    users = [await scene.person() for _ in range(2)]
    binary, structured = [cloud_event(user) for user in users]
    names = scene.product.names
    producer = Producer(
        {"bootstrap.servers": names.brokers.kafka, "partitioner": "murmur2_random", "compression.type": codec}
    )
    headers = [(f"ce_{name}", str(value)) for name, value in binary.items() if name != "data"]
    headers.append(("content-type", "application/json"))
    producer.produce(names.topics.events, orjson.dumps(binary["data"]), users[0], headers=headers)
    kind = [("content-type", "application/cloudevents+json; charset=utf-8")]
    producer.produce(names.topics.events, orjson.dumps(structured), headers=kind)
    assert producer.flush(30) == 0
    for user, event in zip(users, (binary, structured), strict=True):
        assert await scene.ends(expected(event, user)) == ALL_SENT


async def test_the_same_event_by_two_ways_is_one_event(scene: Scene) -> None:
    user = await scene.person()
    event = cloud_event(user)
    body = orjson.dumps(event)
    headers = {"content-type": "application/cloudevents+json"}
    for _ in range(2):
        await scene.product.call("POST", "/v1/events", data=body, headers=headers)
    control = cloud_event(user)
    await scene.product.call("POST", "/v1/events", data=orjson.dumps(control), headers=headers)
    assert await scene.ends(expected(event, user)) == ALL_SENT
    assert await scene.ends(expected(control, user)) == ALL_SENT  # later in the same partition: the twin has passed
    assert len(await scene.messages("email", user)) == 2


async def test_preferences_addresses_actors_and_strangers(scene: Scene) -> None:
    no_mail = await scene.person(preferences={"channel_types": {"email": False}})
    no_orders = await scene.person(preferences={"categories": {"orders": False}})
    no_address = await scene.person(addresses={})
    actor = await scene.person()
    stranger = f"nobody-{uuid4().hex}"
    inline = {"email": f"inline-{uuid4().hex}@example.com", "locale": "de"}
    sent = await scene.send(no_mail, no_orders, no_address, actor, stranger, inline, actor=actor)
    ends = [await scene.ends(notification) for notification in sent]
    assert ends[0] == ALL_SENT | {"email": "suppressed: channel_opted_out"}
    assert list(ends[1].values()) == ["suppressed: category_opted_out"]
    assert ends[2] == {
        "in_app": "sent",
        "email": "suppressed: no_address",
        "webhook": "suppressed: no_address",
    }
    assert list(ends[3].values()) == ["suppressed: is_actor"]
    assert list(ends[4].values()) == ["suppressed: unknown_user"]
    assert ends[5]["email"] == "sent"


async def test_an_opt_out_counts_from_its_answer_on(scene: Scene) -> None:
    user, control = await scene.person(), await scene.person()
    for _ in range(5):
        await scene.product.call("PATCH", f"/v1/users/{user}", json={"preferences": {"channel_types": {"email": True}}})
        (before,) = await scene.send(user)
        assert (await scene.ends(before))["email"] == "sent"
        await scene.product.call(
            "PATCH", f"/v1/users/{user}", json={"preferences": {"channel_types": {"email": False}}}
        )
        after, allowed = await scene.send(user, control)
        assert (await scene.ends(after))["email"] == "suppressed: channel_opted_out"
        assert (await scene.ends(allowed))["email"] == "sent"


async def test_what_is_critical_cannot_be_refused(scene: Scene) -> None:
    user = await scene.person(
        preferences={"categories": {"billing": False, "orders": False}, "channel_types": {"email": False}}
    )
    (notification,) = await scene.send(user, workflow="payment.failed")
    assert set((await scene.ends(notification)).values()) == {"sent"}


async def test_scheduled_is_never_early_and_is_decided_again(scene: Scene) -> None:
    user, changed = await scene.person(), await scene.person()
    due = now_ms() + 3_000
    on_time, opted_out = await scene.send(user, changed, deliver_at=rfc3339(due))
    await scene.product.call(
        "PATCH", f"/v1/users/{changed}", json={"preferences": {"workflows": {"order.shipped": False}}}
    )
    assert await scene.ends(on_time) == ALL_SENT
    assert list((await scene.ends(opted_out)).values()) == ["suppressed: workflow_opted_out"]
    (mail,) = await scene.messages("email", user)
    assert mail["at_ms"] >= due
    assert await scene.messages("email", changed) == []


async def test_a_cancel_ends_what_it_names_and_nothing_else(scene: Scene) -> None:
    user = await scene.person()
    key, later = uuid4().hex, rfc3339(now_ms() + 3_600_000)
    (cancelled,) = await scene.send(user, deliver_at=later, cancellation_key=key)
    (other,) = await scene.send(user, deliver_at=rfc3339(now_ms() + 2_000), cancellation_key=uuid4().hex)

    async def is_held() -> bool:
        async with scene.product.database() as database:
            return await database.holds.count_documents({"notification": cancelled}) == 1

    await until(is_held, what="the hold of the scheduled one")
    await scene.product.call("POST", "/v1/notifications/cancel", json={"cancellation_key": key})
    (after,) = await scene.send(user, cancellation_key=key)
    assert list((await scene.ends(cancelled)).values()) == ["cancelled: cancelled"]
    assert await scene.ends(other) == ALL_SENT
    assert await scene.ends(after) == ALL_SENT


async def test_quiet_hours_hold_what_is_noisy_until_their_end(scene: Scene) -> None:
    now = now_ms()
    end = (now // 60_000 + 1) * 60_000 if now % 60_000 < 50_000 else (now // 60_000 + 2) * 60_000
    start, until_ = (rfc3339(at)[11:16] for at in (end - 3_600_000, end))
    hours = {"windows": [{"from": start, "until": until_ if until_ != "00:00" else "24:00"}]}
    user = await scene.person(zone="UTC", quiet_hours=hours)
    (held,) = await scene.send(user)
    (critical,) = await scene.send(user, workflow="payment.failed")
    assert (await scene.ends(critical))["email"] == "sent"
    assert await scene.ends(held, timeout=120) == ALL_SENT
    mails = [mail for mail in await scene.messages("email", user) if "has shipped" in mail["subject"]]
    (hook,) = [one for one in await scene.messages("webhook", user) if "A-17" in one["body"]][:1]
    assert len(mails) == 1
    assert mails[0]["at_ms"] >= end
    assert hook["at_ms"] < end
