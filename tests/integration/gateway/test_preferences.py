"""Preferences over the inbox API, against real Kafka and MongoDB."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from shared.model import records
from shared.model.records import Kind
from shared.mongo import profiles as profile_store
from tests.chaos.evidence import read_topic
from tests.integration.gateway.stage import GatewayStage, running

HOURS = {"enabled": True, "start_time": "22:00", "end_time": "08:00", "timezone": "UTC"}


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def test_preferences_are_written_and_told_before_the_answer(stage: GatewayStage):
    _, before = await stage.call("GET", "/preferences")
    assert (
        before["notification_types"].items()
        >= {
            "new_message": True,
            "room_invitation": True,
            "friend_request": True,
            "friend_request_accepted": True,
        }.items()
    )
    wanted: dict[str, Any] = {
        "push_notifications": True,
        "email_notifications": False,
        "notification_types": {"new_message": True, "room_invitation": True, "friend_request": False},
        "quiet_hours": HOURS,
    }
    for _ in range(2):
        status, after = await stage.call("PUT", "/preferences", json=wanted)
        assert status == 200
        assert after["notification_types"].items() >= wanted["notification_types"].items()
        assert {name: after[name] for name in wanted if name != "notification_types"} == {
            name: wanted[name] for name in wanted if name != "notification_types"
        }
        assert (await stage.call("GET", "/preferences"))[1] == after
    told = [
        records.decode_record(record.value)
        for record in await read_topic(stage.settings.kafka, stage.topics.notifications)
    ]
    assert [(record.kind, record.tenant, record.user) for record in told] == [
        (Kind.PROFILE_CHANGED, "default", "ann")
    ] * 2
    profile = await profile_store.read(stage.database, "default", "ann")
    assert profile is not None
    assert profile.version > 0
    assert profile.preferences.channel_types == {"push": True, "email": False}
    assert profile.preferences.workflows["chat.friend_request"] is False


async def test_writers_of_one_profile_do_not_undo_each_other(stage: GatewayStage):
    types = ["new_message", "room_invitation", "friend_request", "friend_request_accepted"]
    bodies = [{"notification_types": {name: False}} for name in types] + [{"push_notifications": False}]
    answers = await asyncio.gather(*(stage.call("PUT", "/preferences", json=body) for body in bodies))
    assert [status for status, _ in answers] == [200] * 5
    _, after = await stage.call("GET", "/preferences")
    assert after["push_notifications"] is False
    assert not any(after["notification_types"][name] for name in types)


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 422, None),
        (b'{"push_notifications": true, "push_notifications": false}', 422, None),
        (b"[]", 422, ""),
        (b'{"push_notifications": "yes"}', 422, "/push_notifications"),
        (b'{"nonsense": 1}', 422, "/nonsense"),
        (b'{"notification_types": {"nonsense": true}}', 422, "/notification_types"),
        (b'{"notification_types": {"new_message": 1}}', 422, "/notification_types/new_message"),
        (json.dumps({"quiet_hours": HOURS | {"start_time": "25:61"}}).encode(), 422, "/quiet_hours/start_time"),
        (json.dumps({"quiet_hours": HOURS | {"timezone": "Nowhere"}}).encode(), 422, "/quiet_hours/timezone"),
        (b'{"quiet_hours": {"enabled": true}}', 422, "/quiet_hours/start_time"),
        (b'{"x": "' + b"x" * 70_000 + b'"}', 413, None),
    ],
)
async def test_bad_preferences_are_refused_where_they_are_bad(stage: GatewayStage, body, status, pointer):
    found, problem = await stage.call("PUT", "/preferences", data=body)
    assert (found, problem["status_code"]) == (status, status)
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]
    assert await stage.database.profiles.count_documents({}) == 0


async def test_what_is_refused_says_that_nothing_was_stored(stage: GatewayStage):
    body = {"email_notifications": False, "quiet_hours": HOURS | {"end_time": "22:00"}}
    found, problem = await stage.call("PUT", "/preferences", json=body)
    assert (found, problem["errors"][0]["pointer"]) == (422, "/quiet_hours/end_time")
    assert problem["fix"].startswith("Nothing was stored.")
    assert (await stage.call("GET", "/preferences"))[1]["email_notifications"] is True


async def test_a_body_is_plain_json_with_or_without_a_byte_order_mark(stage: GatewayStage):
    body = b'{"email_notifications": false}'
    status, problem = await stage.call("PUT", "/preferences", data=body, headers={"content-encoding": "br"})
    assert (status, problem["code"]) == (415, "unsupported_encoding")
    status, saved = await stage.call("PUT", "/preferences", data=b"\xef\xbb\xbf" + body)
    assert (status, saved["email_notifications"]) == (200, False)
