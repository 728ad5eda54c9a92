"""What follows a result, and records that are no deliveries."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from services.delivery.core.effects import DeliveryEffects, delivery_status, derive_effects
from services.delivery.core.receive import read
from shared.model import ids
from shared.model.channels import Channel
from shared.model.dead_letters import UnreadableRecord
from shared.model.deliveries import DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.holds import Cause
from shared.model.notifications import Priority
from shared.model.reasons import Reason
from shared.model.records import Kind, decode_record, encode
from shared.model.topics import Topics
from tests.support import samples as a

TOPICS = Topics()


def after(state: DeliveryState, **more: Any) -> DeliveryEffects:
    return derive_effects(
        TOPICS, a.received(generation=1, pass_=2), DeliveryResult(state=state, at=a.NOON, **({"attempts": 2} | more))
    )


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.CLAIMED])
def test_every_result_tells_exactly_one_status(state: DeliveryState) -> None:
    found = after(state, due=a.NOON + 5)
    (published,) = [output for output in found.outputs if output.topic == TOPICS.statuses]
    assert dict(published.headers)["ce_type"] == f"carillon.delivery.{state}".encode()
    assert b"ada@example.com" not in (published.value or b"")
    assert found == after(state, due=a.NOON + 5), "a replay repeats it"
    letters = [TOPICS.deliveries_dlq(Channel.EMAIL)] if state is DeliveryState.DEAD else []
    assert [output.topic for output in found.outputs[1:]] == letters
    assert (found.again is not None) == (state is DeliveryState.STALE)
    assert (found.hold is not None) == (state in (DeliveryState.RETRYING, DeliveryState.PARKED))


@pytest.mark.parametrize(
    ("state", "cause"), [(DeliveryState.RETRYING, Cause.RETRY), (DeliveryState.PARKED, Cause.PROVIDER_DOWN)]
)
def test_a_hold_brings_it_back_one_pass_on(state: DeliveryState, cause: Cause) -> None:
    hold = after(state, due=a.NOON + 5).hold
    assert hold is not None
    assert (hold.cause, hold.due) == (cause, a.NOON + 5)
    record = hold.record
    assert (record.kind, record.subject, record.generation, record.pass_, record.due) == (
        Kind.RETRY, a.delivery().id, 1, 3, a.NOON + 5,
    )  # fmt: skip
    assert record.delivery is not None
    assert record.delivery.attempts == 2
    assert decode_record(encode(record)) == record


def test_what_comes_back_from_a_row_of_a_newer_format_is_for_those_who_read_that() -> None:
    hold = after(DeliveryState.RETRYING, due=a.NOON + 5, format=a.NEWER).hold
    assert hold is not None
    assert hold.record.format == a.NEWER


def test_stale_is_decided_again_at_once() -> None:
    output = after(DeliveryState.STALE).again
    assert output is not None
    assert output.topic == TOPICS.notifications
    record = decode_record(output.value)
    assert output.key == b"acme:ada"
    assert (record.kind, record.pass_, record.due) == (Kind.STALE, 3, None)


def test_a_dead_letter_is_the_record_as_it_came_and_why() -> None:
    letter = after(DeliveryState.DEAD, reason=Reason.REJECTED, code="550").outputs[1]
    headers = dict(letter.headers)
    assert (letter.key, letter.value, headers["traceparent"]) == (b"acme:ada", b"as it came", b"00-1")
    assert (headers["error_code"], headers["error_class"], headers["attempts"]) == (b"550", b"rejected", b"2")
    assert (headers["source_topic"], headers["source_partition"], headers["source_offset"]) == (
        b"carillon.deliveries.email.v1", b"4", b"99",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("priority", "group"),
    [(Priority.NORMAL, b"carillon.delivery-email-normal"), (Priority.URGENT, b"carillon.delivery-email-express")],
)
def test_a_dead_letter_names_the_group_that_read_it(priority: Priority, group: bytes) -> None:
    given = a.received(notification=a.notification(priority=priority))
    dead = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=Reason.REJECTED)
    headers = dict(derive_effects(TOPICS, given, dead).outputs[1].headers)
    assert headers["source_consumer_group"] == group


def test_a_dead_letter_tells_when_the_first_attempt_failed_and_when_the_last() -> None:
    given = a.received()
    for minute in range(3):
        state = DeliveryState.RETRYING if minute < 2 else DeliveryState.DEAD
        result = DeliveryResult(state=state, at=a.NOON + minute * 60_000, attempts=minute + 1, due=a.NOON + 5)
        found = derive_effects(TOPICS, given, result)
        if found.hold is not None:
            assert found.hold.record.delivery is not None
            given = msgspec.structs.replace(given, delivery=found.hold.record.delivery)
    headers = dict(found.outputs[1].headers)
    assert (headers["first_failed_at"], headers["last_failed_at"]) == (
        str(a.NOON).encode(), str(a.NOON + 120_000).encode(),
    )  # fmt: skip


def test_an_endpoint_that_is_gone_is_told_by_the_delivery_that_found_it_without_its_address() -> None:
    given = a.received(channel=Channel.WEBHOOK, address="https://hooks.example.com/secret")

    def told(reason: Reason) -> list[dict[str, Any]]:
        result = DeliveryResult(state=DeliveryState.DEAD, at=a.NOON, attempts=1, reason=reason, code="410")
        outputs = derive_effects(TOPICS, given, result).outputs
        assert b"secret" not in b"".join(output.value or b"" for output in outputs if output.topic == TOPICS.statuses)
        return [
            orjson.loads(output.value or b"")
            for output in outputs
            if dict(output.headers).get("ce_type") == b"carillon.endpoint.disabled"
        ]

    (body,) = told(Reason.ENDPOINT_GONE)
    assert (body["endpoint"], body["delivery"], body["code"]) == (
        ids.endpoint_id("acme", "https://hooks.example.com/secret"), given.delivery.id, "410",
    )  # fmt: skip
    assert told(Reason.ENDPOINT_DISABLED) == [], "it was told before"


def test_what_never_was_an_attempt_has_not_failed_first() -> None:
    parked = DeliveryResult(state=DeliveryState.PARKED, at=a.NOON, attempts=0, due=a.NOON + 5)
    hold = derive_effects(TOPICS, a.received(), parked).hold
    assert hold is not None
    assert hold.record.delivery is not None
    assert hold.record.delivery.first_failed_at is None


def test_a_status_tells_what_it_is_about() -> None:
    body = orjson.loads(after(DeliveryState.SENT, code="250").outputs[0].value or b"")
    assert (body["notification"], body["delivery"], body["channel"], body["attempts"], body["code"]) == (
        a.ID, a.delivery().id, "email", 2, "250",
    )  # fmt: skip
    assert (body["generation"], body["pass"], body["user"]) == (1, 2, "ada")


@pytest.mark.parametrize("variant", [None, "loud"])
def test_a_status_tells_the_variant_where_there_is_one(variant: str | None) -> None:
    sent = DeliveryResult(state=DeliveryState.SENT, at=a.NOON, attempts=1)
    told = orjson.loads(delivery_status(TOPICS, a.delivery(variant=variant), sent).value or b"")
    assert ("variant" in told, told.get("variant")) == (variant is not None, variant)


def test_reading_a_delivery() -> None:
    raw = encode(a.delivery())
    assert read(Channel.EMAIL, a.record(raw)) == ReceivedDelivery(delivery=a.delivery(), record=a.record(raw))


@pytest.mark.parametrize(
    ("value", "code"),
    [(None, "unreadable_delivery"), (b"x", "unreadable_delivery"), (b"{}", "unreadable_delivery"),
     (encode(a.delivery(channel=Channel.WEBHOOK)), "wrong_channel")],
)  # fmt: skip
def test_what_is_no_delivery_of_the_channel(value: bytes | None, code: str) -> None:
    found = read(Channel.EMAIL, a.record(value))
    assert isinstance(found, UnreadableRecord)
    assert found.record == a.record(value)
    assert found.error.code == code
