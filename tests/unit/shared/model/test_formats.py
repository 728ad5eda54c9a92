"""Formats: what a newer version wrote is neither wrong nor unknown; a writer stamps the smallest that reads it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.router.core.effects import derive_effects
from shared.catalog.rows import starts_on, to_row
from shared.model import formats, inbox
from shared.model.channels import CHANNEL_SPECS, Channel
from shared.model.errors import InvalidRecord
from shared.model.formats import NewerFormat
from shared.model.notifications import Contact
from shared.model.outputs import Coordinates
from shared.model.owners import Owner
from shared.model.profiles import Preferences, from_document
from shared.model.records import decode_delivery, decode_record, encode, notify, without_due
from shared.model.topics import Topics
from shared.mongo.hold_rows import hold_row
from tests.support import samples as a

READERS: dict[str, tuple[Any, bytes]] = {
    "record": (decode_record, encode(notify(a.notification()))),
    "delivery": (decode_delivery, encode(a.delivery())),
    "inbox": (inbox.decode, b'{"change":"read","items":[],"at":1}'),
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Any:
    return READERS[request.param]


def with_(raw: bytes, **members: object) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(raw) | members)


def test_what_says_nothing_is_the_oldest_and_nothing_is_said_of_it(reader: Any) -> None:
    decode, raw = reader
    assert decode(raw).format == formats.OLDEST
    assert b"format" not in raw


@pytest.mark.parametrize(
    "more", [{}, {"novelty": [1]}, {"kind": "digest_due", "channel": "fax", "change": 7, "at": None}]
)
def test_a_larger_number_is_a_newer_version_whether_the_rest_can_be_read_or_not(reader: Any, more: Any) -> None:
    decode, raw = reader
    with pytest.raises(NewerFormat) as raised:
        decode(with_(raw, format=a.NEWER, **more))
    assert (raised.value.number, raised.value.at) == (a.NEWER, None)
    placed = raised.value.of(Coordinates("t", 1, 2))
    assert (placed.number, placed.at) == (a.NEWER, Coordinates("t", 1, 2))


@pytest.mark.parametrize("more", [{"format": 1}, {"format": "9"}, {"format": None}, {}])
def test_malformed_at_a_known_number_is_the_writers_fault(reader: Any, more: Any) -> None:
    decode, raw = reader
    with pytest.raises((InvalidRecord, msgspec.DecodeError)):
        decode(with_(raw, kind="digest_due", channel="fax", change=7, at=None, tenant=1, items=3, **more))
    with pytest.raises((InvalidRecord, msgspec.DecodeError)):
        decode(b'{"format":%d' % a.NEWER)


def test_a_newer_profile_is_not_taken_for_a_wrong_one() -> None:
    with pytest.raises(NewerFormat):
        from_document({"tenant": "acme", "user": "ada", "format": a.NEWER, "quiet_hours": "lunar"})


@pytest.fixture
def fax(monkeypatch: pytest.MonkeyPatch) -> Channel:
    """A channel that came with a format to come."""
    newer = {**CHANNEL_SPECS, Channel.WEBHOOK: msgspec_replace(CHANNEL_SPECS[Channel.WEBHOOK], since=a.NEWER)}
    monkeypatch.setattr("shared.model.channels.CHANNEL_SPECS", newer)
    return Channel.WEBHOOK


def msgspec_replace(value: Any, **changes: Any) -> Any:
    return type(value)(**({name: getattr(value, name) for name in value.__dataclass_fields__} | changes))


def test_only_what_names_the_new_carries_its_number(fax: Channel) -> None:
    decision = a.decision(a.routing_input())
    assert decision.format == a.NEWER
    values = derive_effects(Topics(), [decision]).outputs
    deliveries = [msgspec.json.decode(output.value or b"") for output in values if ".deliveries." in output.topic]
    assert {each["channel"]: each.get("format", 1) for each in deliveries} == {"in_app": 1, "email": 1, fax: a.NEWER}
    assert a.workflow().format == a.NEWER
    assert to_row("acme", a.workflow(), 0)["format"] == a.NEWER


def test_a_number_travels_with_what_is_inside() -> None:
    record = msgspec.structs.replace(notify(a.notification()), format=a.NEWER)
    held = a.decision(a.routing_input(profile=a.profile(quiet_hours=a.NIGHTS), now=a.NIGHT), record)
    effects = derive_effects(Topics(), [held])
    assert {hold.record.format for hold in effects.holds} == {a.NEWER}
    assert hold_row(effects.holds[0])["format"] == a.NEWER
    deliveries = [output.value or b"" for output in effects.outputs if ".deliveries." in output.topic]
    assert {msgspec.json.decode(raw)["format"] for raw in deliveries} == {a.NEWER}


@pytest.mark.parametrize(
    ("body", "types"),
    [
        ({"on": ["a", "b"]}, ["a", "b"]),
        ({}, []),
        ({"on": ["a"], "active": False}, []),
        ({"on": [{"type": "a", "when": "x"}]}, None),
        ({"on": "a.*"}, None),
        ("encoded otherwise", None),
    ],
)
def test_what_may_start_a_workflow_of_a_newer_version(body: Any, types: list[str] | None) -> None:
    row: Any = {"body": body}
    assert starts_on(row) == types


def test_a_hastened_record_loses_its_time_and_nothing_else() -> None:
    raw = b'{"kind":"release","due":5,"novelty":1.50,"format":%d,"data":{"n":1e2}}' % a.NEWER
    assert without_due(raw) == b'{"kind":"release","novelty":1.50,"format":%d,"data":{"n":1e2}}' % a.NEWER


def test_what_goes_to_an_addresss_owner_keeps_its_number() -> None:
    inline = a.notification(user="inline", contact=Contact(addresses={"email": "ada@example.com"}))
    record = msgspec.structs.replace(notify(inline), format=a.NEWER)
    asked = a.routing_input(notification=inline, profile=None, owner=Owner(user="ada", preferences=Preferences()))
    effects = derive_effects(Topics(), [a.decision(asked, record)])
    (forward,) = (output for output in effects.outputs if output.topic == Topics().notifications)
    assert msgspec.json.decode(forward.value or b"")["format"] == a.NEWER
