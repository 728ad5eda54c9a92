"""Providers that fail, records that nobody can read: what is tried again, what waits, what is dead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from shared.model.topics import PUBLIC_MAX_BYTES
from tests.chaos.evidence import read_topic
from tests.e2e.scene import DATA, SHIPPED, Scene
from tests.support.env import Harness
from tests.support.wait import until


@pytest.fixture
async def scene(product: Harness) -> AsyncIterator[Scene]:
    yield Scene(product)
    await product.call("DELETE", "/faults", service="sink")


async def fail(scene: Scene, **plan: Any) -> None:
    await scene.product.call("PUT", "/faults", service="sink", json=plan)


async def ledger(scene: Scene, notification: str, channel: str) -> dict[str, Any]:
    async with scene.product.database() as database:
        row = await database.deliveries.find_one({"notification": notification, "channel": channel})
    assert row is not None
    return row


async def test_a_webhook_that_fails_twice_is_delivered_once_by_the_third_attempt(scene: Scene) -> None:
    user = await scene.person()
    await fail(scene, webhook={"mode": "status", "status": 503, "times": 2, "only": user})
    (notification,) = await scene.send(user)
    assert (await scene.ends(notification))["webhook"] == "sent"
    assert (await ledger(scene, notification, "webhook"))["attempts"] == 3
    (hook,) = await scene.messages("webhook", user)
    assert dict(hook["headers"])["webhook-id"] == (await ledger(scene, notification, "webhook"))["_id"]


async def test_a_provider_that_is_down_burns_no_attempt(scene: Scene) -> None:
    user = await scene.person()
    await fail(scene, email={"mode": "down"})
    (notification,) = await scene.send(user)

    async def is_parked() -> bool:
        async with scene.product.database() as database:
            rows = database.timeline.find({"notification": notification, "type": "carillon.delivery.parked"})
            return len(await rows.to_list(None)) >= 2

    await until(is_parked, what="parked at least twice")
    await scene.product.call("DELETE", "/faults", service="sink")
    assert (await scene.ends(notification))["email"] == "sent"
    assert (await ledger(scene, notification, "email"))["attempts"] == 1
    assert len(await scene.messages("email", user)) == 1


async def test_what_a_provider_refuses_for_good_is_a_dead_letter(scene: Scene) -> None:
    user, control = await scene.person(), await scene.person()
    await fail(scene, webhook={"mode": "status", "status": 410, "only": user})
    dead, fine = await scene.send(user, control)
    assert (await scene.ends(dead))["webhook"] == "dead: endpoint_gone"
    assert (await scene.ends(fine))["webhook"] == "sent"
    topics, kafka = scene.product.names.topics, scene.product.names.brokers.kafka
    letters = [
        record
        for record in await read_topic(kafka, topics.deliveries_dlq("webhook"))  # type: ignore[arg-type]
        if orjson.loads(record.value)["notification"]["id"] == dead
    ]
    (letter,) = letters
    headers = {name: value.decode() for name, value in letter.headers}
    assert headers["error_code"] == "410"
    assert headers["attempts"] == "1"
    assert headers["source_topic"] == topics.deliveries("webhook")  # type: ignore[arg-type]


def record(**headers: str) -> list[tuple[str, bytes]]:
    attributes = {"ce_specversion": "1.0", "ce_id": uuid4().hex, "ce_source": "/tests", "ce_type": SHIPPED}
    return [(name, text.encode()) for name, text in (attributes | headers).items() if text]


POISON: dict[str, tuple[bytes | None, list[tuple[str, bytes]], str]] = {
    "bad JSON": (b"{", record(), "invalid_json"),
    "bad UTF-8": (b'{"a": "\xff"}', record(), "invalid_json"),
    "null value": (None, record(), "null_value"),
    "no attributes": (b"{}", [], "missing_attribute"),
    "no id": (b"{}", record(ce_id=""), "missing_attribute"),
    "unknown specversion": (b"{}", record(ce_specversion="3.0"), "unknown_specversion"),
    "header not UTF-8": (b"{}", [("ce_id", b"\xff")], "invalid_header"),
    "structured and broken": (b"[", [("content-type", b"application/cloudevents+json")], "invalid_json"),
    "duplicate key": (b'{"a": 1, "a": 2}', record(), "invalid_json"),
    "too deep": (b"[" * 40 + b"]" * 40, record(), "invalid_json"),
    "integer beyond int64": (b'{"a": 9223372036854775808}', record(), "invalid_json"),
    "recipients of a wrong type": (b'{"customer_ids": true}', record(), "invalid_recipient"),
    "too many recipients": (
        orjson.dumps({"customer_ids": [str(number) for number in range(10_001)]}),
        record(),
        "too_many_recipients",
    ),
    "a megabyte that is no JSON": (b"x" * (PUBLIC_MAX_BYTES - 2048), record(), "invalid_json"),
}


async def test_poison_is_set_aside_with_its_reason_and_neighbours_are_delivered(scene: Scene) -> None:
    names = scene.product.names
    user = await scene.person()
    mark = uuid4().hex
    before, after = f"before-{mark}", f"after-{mark}"
    good = orjson.dumps(DATA | {"customer_ids": [user]})
    producer = AIOKafkaProducer(bootstrap_servers=names.brokers.kafka, acks="all", max_request_size=PUBLIC_MAX_BYTES)
    async with producer:
        await producer.send_and_wait(names.topics.events, good, partition=0, headers=record(ce_id=before))
        offsets = {}
        for name, (value, headers, _) in POISON.items():
            key = None if name == "no id" else b"k"
            sent = await producer.send_and_wait(names.topics.events, value, key=key, partition=0, headers=headers)
            offsets[name] = sent.offset
        await producer.send_and_wait(names.topics.events, good, partition=0, headers=record(ce_id=after))

    async def neighbours() -> bool:
        return len(await scene.messages("email", user)) == 2

    await until(neighbours, what="the good events before and after")
    letters = {}
    for letter in await read_topic(names.brokers.kafka, names.topics.events_dlq):
        headers = {name: value for name, value in letter.headers if name.startswith(("source_", "error_"))}
        if headers["source_topic"] == names.topics.events.encode() and headers["source_partition"] == b"0":
            letters[int(headers["source_offset"])] = (letter.value, headers["error_code"].decode())
    found = {name: letters.get(offset) for name, offset in offsets.items()}
    assert found == {name: (value, code) for name, (value, _, code) in POISON.items()}
