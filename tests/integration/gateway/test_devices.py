"""A user's own devices over the inbox API, against real Kafka and MongoDB."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import records
from shared.model.records import Kind
from shared.mongo import profiles as profile_store
from tests.chaos.evidence import read_topic
from tests.integration.gateway.stage import GatewayStage, running

PHONE = {"platform": "fcm", "token": "token-of-phone", "app": "4.2"}
TABLET = {"platform": "apns", "token": "ab" * 32}
OTHERS: list[dict[str, Any]] = [{"user": "bob"}, {"user": "ann", "tenant": "other"}]


@pytest.fixture
async def stage(names):
    async with running(names) as found:
        yield found


async def devices(stage: GatewayStage, **who: Any) -> list[dict[str, Any]]:
    status, answer = await stage.call("GET", "/devices", **who)
    assert status == 200
    found: list[dict[str, Any]] = answer["devices"]
    return found


async def test_registering_listing_and_removing(stage: GatewayStage) -> None:
    assert await devices(stage) == []
    for _ in range(2):
        status, phone = await stage.call("PUT", "/devices", json=PHONE)
        assert (status, phone["platform"], phone["details"]) == (200, "fcm", {"app": "4.2"})
        assert "token-of-phone" not in str(phone)
    _, tablet = await stage.call("PUT", "/devices", json=TABLET)
    assert await devices(stage) == [phone, tablet]
    _, newer = await stage.call("PUT", "/devices", json=PHONE | {"app": "5.0"})
    assert newer == phone | {"details": {"app": "5.0"}}
    profile = await profile_store.read(stage.database, "default", "ann")
    assert profile is not None
    assert profile.devices == (PHONE | {"app": "5.0"}, TABLET)
    assert await stage.call("DELETE", f"/devices/{phone['id']}") == (
        200,
        {"success": True, "message": "Device removed"},
    )
    assert await devices(stage) == [tablet]
    status, problem = await stage.call("DELETE", f"/devices/{phone['id']}")
    assert (status, problem["detail"], problem["status_code"]) == (404, "Device not found", 404)
    told = [
        records.decode_record(record.value or b"")
        for record in await read_topic(stage.settings.kafka, stage.topics.notifications)
    ]
    assert {(one.kind, one.user) for one in told} == {(Kind.PROFILE_CHANGED, "ann")}
    assert len(told) == 6


async def test_a_device_is_its_last_users(stage: GatewayStage) -> None:
    for who in ({"user": "ann"}, *OTHERS):
        assert (await stage.call("PUT", "/devices", json=PHONE, **who))[0] == 200
    assert [len(await devices(stage, **who)) for who in ({"user": "ann"}, *OTHERS)] == [0, 1, 1]


@pytest.mark.parametrize("who", OTHERS)
async def test_others_devices_are_not_found(stage: GatewayStage, who: dict[str, Any]) -> None:
    _, phone = await stage.call("PUT", "/devices", json=PHONE)
    theirs = await stage.call("DELETE", f"/devices/{phone['id']}", **who)
    nobodys = await stage.call("DELETE", "/devices/0", **who)
    assert theirs[0] == nobodys[0] == 404
    assert {key: theirs[1][key] for key in ("detail", "code", "fix")} == {
        key: nobodys[1][key] for key in ("detail", "code", "fix")
    }
    assert await devices(stage, **who) == []
    assert await devices(stage) == [phone]
    assert await stage.database.profiles.count_documents({}) == 1, "asking makes no profile"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"platform": "pager", "token": "token-of-phone"}, "invalid_request", "/platform"),
        ({"platform": "fcm", "token": "secret!"}, "invalid_device", "/token"),
        ({"platform": "fcm", "token": "token-of-phone", "$set": "x"}, "invalid_request", ""),
        ([PHONE], "invalid_request", ""),
    ],
)
async def test_refusals(stage: GatewayStage, body: object, code: str, pointer: str) -> None:
    status, problem = await stage.call("PUT", "/devices", json=body)
    assert (status, problem["status_code"], problem["code"]) == (422, 422, code)
    assert problem["errors"][0]["pointer"] == pointer
    assert "secret!" not in str(problem)


async def test_there_is_a_most_of_them(stage: GatewayStage) -> None:
    for number in range(20):
        assert (await stage.call("PUT", "/devices", json=PHONE | {"token": f"token-{number:04}"}))[0] == 200
    status, problem = await stage.call("PUT", "/devices", json=TABLET)
    assert (status, problem["code"], problem["status_code"]) == (422, "too_many_devices", 422)
    assert len(await devices(stage)) == 20
