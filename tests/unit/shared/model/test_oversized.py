"""What is written instead of a record that is too large: who it was about is told how it ended."""

from __future__ import annotations

import orjson

from shared.model.channels import Channel, Lane
from shared.model.outputs import Output
from shared.model.oversized import KEPT_BYTES, in_place_of
from shared.model.records import Kind, Record, encode, notify, profile_changed
from shared.model.topics import Topics
from tests.support import samples as a

TOPICS = Topics()
KEY = b"acme:ada"


def instead(topic: str, value: bytes) -> list[Output]:
    return in_place_of(TOPICS, Output(topic, KEY, value, [("traceparent", b"00-1")]), a.NOON)


def test_a_delivery_is_dead_with_a_dead_letter_of_its_channel() -> None:
    delivery = a.delivery()
    for lane in Lane:
        letter, ended = instead(TOPICS.deliveries(Channel.EMAIL, lane), encode(delivery))
        assert letter.topic == TOPICS.deliveries_dlq(Channel.EMAIL)
        assert ended.topic == TOPICS.statuses
        assert dict(ended.headers)["ce_type"] == b"carillon.delivery.dead"
        told = orjson.loads(ended.value or b"")
        assert (told["delivery"], told["reason"]) == (delivery.id, "record_too_large")
        assert dict(letter.headers)["error_code"] == b"record_too_large"


def test_a_delivery_on_its_way_back_ends_alike() -> None:
    delivery = a.delivery()
    back = Record(kind=Kind.RETRY, tenant="acme", user="ada", subject=delivery.id, delivery=delivery)
    letter, ended = instead(TOPICS.notifications, encode(back))
    assert letter.topic == TOPICS.events_dlq
    assert dict(ended.headers)["ce_type"] == b"carillon.delivery.dead"


def test_a_notification_is_suppressed_and_says_why() -> None:
    notification = a.notification()
    letter, ended = instead(TOPICS.notifications, encode(notify(notification)))
    assert letter.topic == TOPICS.events_dlq
    assert dict(ended.headers)["ce_type"] == b"carillon.notification.suppressed"
    told = orjson.loads(ended.value or b"")
    assert (told["notification"], told["items"][0]["reason"]) == (notification.id, "record_too_large")


def test_only_the_beginning_of_a_value_is_kept() -> None:
    value = b"." * (KEPT_BYTES + 1)
    [letter] = instead(TOPICS.events, value)
    assert letter.value == value[:-1]
    assert dict(letter.headers)["value_shortened_from"] == b"%d" % len(value)


def test_a_dead_letter_keeps_its_coordinates_and_loses_foreign_headers() -> None:
    came = Output(TOPICS.events_dlq, KEY, b"v", [("huge", b"h" * 100), ("source_offset", b"7")])
    [letter] = in_place_of(TOPICS, came, a.NOON)
    assert [name for name, _ in letter.headers] == ["source_offset", "value_shortened_from"]


def test_what_ends_nothing_has_no_status() -> None:
    assert instead(TOPICS.statuses, b"{}") == []
    assert [each.topic for each in instead(TOPICS.inbox, b"{}")] == [TOPICS.deliveries_dlq(Channel.IN_APP)]
    assert len(instead(TOPICS.notifications, encode(profile_changed("acme", "ada")))) == 1
    assert len(instead(TOPICS.notifications, b"unreadable")) == 1
