"""Ingest on a real Kafka and mongod: every way in, what is refused, keys, profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import orjson
import pytest
from cloudevents.v1.conversion import to_binary, to_structured
from cloudevents.v1.http import CloudEvent
from yarl import URL

from services.ingest.models.body import example
from services.ingest.models.events import CloudEvent as EventSchema
from services.ingest.models.notifications import SendRequest
from services.ingest.models.profiles import ProfileBody, ProfilePatch
from shared.model import event_codecs, ids
from tests.integration.ingest.stack import SEND, Stack, call, client, records_of

pytestmark = pytest.mark.timeout(180)
JSON = {"Content-Type": "application/json"}
BAD = [
    (b'{"workflow":', JSON, 400, "invalid_json"),
    (b'{"workflow":"a","workflow":"b"}', JSON, 400, "invalid_json"),
    (b'{"data":{"a":NaN}}', JSON, 400, "invalid_json"),
    (b'{"data":{"a":1e999}}', JSON, 400, "invalid_json"),
    (b'{"data":{"a":9223372036854775808}}', JSON, 400, "invalid_json"),
    (b'{"data":{"a":"\\ud800"}}', JSON, 400, "invalid_json"),
    (b'{"data":{"a\\u0000":1}}', JSON, 400, "invalid_json"),
    (b'{"data":"\xff"}', JSON, 400, "invalid_json"),
    (b'{"data":' + b"[" * 40 + b"]" * 40 + b"}", JSON, 400, "invalid_json"),
    (b"[]", JSON, 422, "invalid_request"),
    (b"null", JSON, 422, "invalid_request"),
    (b"", JSON, 400, "invalid_json"),
    (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    (b"{}", JSON | {"Content-Encoding": "gzip"}, 415, "unsupported_encoding"),
    (b"{}", JSON | {"Idempotency-Key": "x" * 256}, 400, "invalid_idempotency_key"),
    (b'{"data":"' + b"x" * 1_100_000 + b'"}', JSON, 413, "body_too_large"),
    (orjson.dumps(SEND | {"workflow": "chat.new_mesage"}), JSON, 422, "unknown_workflow"),
    (
        orjson.dumps(SEND | {"recipients": [f"u{n}" for n in range(100)], "data": {"x": "y" * 200_000}}),
        JSON,
        413,
        "expanded_too_large",
    ),
]


async def test_send_is_on_the_log_as_the_answer_says(stack: Stack, api: aiohttp.ClientSession) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {**example(SendRequest), "recipients": ["ada", {"id": "bob"}, {"email": "eve@example.com"}, "ada"]}
    status, answer, headers = await call(api, "POST", "/v1/notifications", json=body, headers={"traceparent": trace})
    assert status == 202
    assert answer["durability"] == "log"
    assert headers["Location"] == f"/v1/notifications/{answer['notifications'][0]['id']}/timeline"
    found = await records_of(stack, answer["id"])
    users = [entry["user"] for entry in answer["notifications"]]
    assert users == ["ada", "bob", ids.inline_user_id("eve@example.com")]
    assert sorted(key for key, _ in found) == sorted(f"default:{user}".encode() for user in users)
    assert {record.subject for _, record in found} == {entry["id"] for entry in answer["notifications"]}
    for _, record in found:
        sent = record.notification
        assert (sent.workflow, sent.version, sent.priority, sent.actor) == ("chat.new_message", 1, "high", "grace")
        assert sent.traceparent == trace
        assert orjson.loads(bytes(sent.data)) == {"text": "Hello"}


async def test_an_api_send_and_the_expansion_of_an_event_agree_on_ids(api: aiohttp.ClientSession) -> None:
    _, answer, _ = await call(api, "POST", "/v1/notifications", json=SEND, headers={"Idempotency-Key": "agree"})
    assert answer["notifications"][0]["id"] == ids.notification_id(answer["id"], "chat.new_message", "ada")


async def test_cloudevents_of_the_sdk_in_both_modes(stack: Stack, api: aiohttp.ClientSession) -> None:
    wanted = {}
    for encode in (to_structured, to_binary):
        name = uuid4().hex
        event = CloudEvent(
            {"id": name, "source": "/shop", "type": "order.shipped", "subject": "o-ü1", "partitionkey": "k"},
            {"users": ["ada"], "text": "é"},
        )
        if encode is to_binary:
            event["subject"] = "o-%C3%BC1"  # the SDK leaves percent-encoding to its caller
        headers, body = encode(event)
        if encode is to_binary:
            headers["content-type"] = "application/json"
        status, answer, _ = await call(api, "POST", "/v1/events", data=body, headers=headers)
        assert (status, answer["accepted"]) == (202, 1)
        assert answer["ids"] == [ids.event_id("default", "/shop", name)]
        wanted[name] = answer
    found = {}
    for message in await stack.read(stack.topics.events):
        event = event_codecs.from_kafka(message.headers, message.value)
        found[event.id] = (message, event)
    for name in wanted:
        message, event = found[name]
        assert event.attributes["tenant"] == "default"
        assert event.attributes["subject"] == "o-ü1"
        assert orjson.loads(event.data) == {"users": ["ada"], "text": "é"}
        assert message.key == b"k"
        assert int(dict(message.headers)["carillon_accepted_at"]) > 0


async def test_an_event_of_another_tenant_goes_where_only_ingest_writes(stack: Stack) -> None:
    """The public topic speaks for one tenant: what a key proved must not look like what anyone may write there."""
    name = uuid4().hex
    body = {**example(EventSchema), "id": name}
    async with client(stack.urls[0], stack.other_key) as api:
        structured = {"Content-Type": event_codecs.STRUCTURED}
        status, answer, _ = await call(api, "POST", "/v1/events", data=orjson.dumps(body), headers=structured)
    assert (status, answer["ids"]) == (202, [ids.event_id("other", body["source"], name)])
    found = {
        topic: [dict(message.headers) for message in await stack.read(topic)]
        for topic in (stack.topics.accepted_events, stack.topics.events)
    }
    ours = {topic: [each for each in headers if each["ce_id"] == name.encode()] for topic, headers in found.items()}
    assert [each["ce_tenant"] for each in ours[stack.topics.accepted_events]] == [b"other"]
    assert not ours[stack.topics.events]


async def test_a_batch_is_taken_whole_or_not_at_all(stack: Stack, api: aiohttp.ClientSession) -> None:
    batch = {"Content-Type": event_codecs.BATCH}
    mark = uuid4().hex
    good = [{**example(EventSchema), "id": f"{mark}-{number}"} for number in range(100)]
    bad = [*good[:2], {**good[2], "specversion": "2.0"}, {**good[3], "tenant": "other"}, 7]
    status, problem, _ = await call(api, "POST", "/v1/events", data=orjson.dumps(bad), headers=batch)
    assert (status, problem["code"]) == (422, "invalid_event")
    assert [error["pointer"] for error in problem["errors"]] == ["/2/specversion", "/3/tenant", "/4"]
    status, answer, _ = await call(api, "POST", "/v1/events", data=orjson.dumps(good), headers=batch)
    assert (status, answer["accepted"]) == (202, 100)
    stored = [dict(message.headers)["ce_id"].decode() for message in await stack.read(stack.topics.events)]
    assert sorted(name for name in stored if name.startswith(mark)) == sorted(event["id"] for event in good)
    too_many = orjson.dumps([{**good[0], "id": str(number)} for number in range(1001)])
    status, problem, _ = await call(api, "POST", "/v1/events", data=too_many, headers=batch)
    assert (status, problem["code"]) == (422, "batch_too_large")


@pytest.mark.parametrize(("body", "headers", "status", "code"), BAD)
async def test_bad_bodies(
    api: aiohttp.ClientSession, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    got, problem, answer = await call(api, "POST", "/v1/notifications", data=BytesIO(body), headers=headers)
    assert (got, problem["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["fix"]
    assert problem["request_id"]


async def test_a_chunked_body_is_bounded_too(api: aiohttp.ClientSession) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    try:
        status, _, _ = await call(api, "POST", "/v1/notifications", data=endless(), headers=JSON)
    except aiohttp.ClientConnectionError:
        return  # the server hung up while we were sending: refused as well
    assert status == 413


async def test_keys_and_scopes(stack: Stack, api: aiohttp.ClientSession) -> None:
    for header in ("", "Bearer", "Bearer ck_000000000000_" + "a" * 43, "Basic eDp5", stack.key):
        got = await call(api, "POST", "/v1/notifications", json=SEND, headers={"Authorization": header})
        assert (got[0], got[1]["code"]) == (401, "unauthorized")
    async with client(stack.urls[0], stack.send_only_key) as send_only:
        assert (await call(send_only, "POST", "/v1/notifications", json=SEND))[0] == 202
        status, problem, _ = await call(send_only, "GET", "/v1/users/ada")
        assert (status, problem["code"]) == (403, "missing_scope")


async def test_a_profile_from_put_to_delete(stack: Stack, api: aiohttp.ClientSession) -> None:
    path = "/v1/users/grace%2Fh%C3%B6pper"
    status, stored, _ = await call(api, "PUT", path, json=example(ProfileBody))
    assert status == 200
    assert stored["id"] == "grace/höpper"
    assert stored["webhook_secret"].startswith("whsec_")
    status, patched, _ = await call(api, "PATCH", path, json=example(ProfilePatch))
    assert status == 200
    assert "quiet_hours" not in patched
    assert (patched["zone"], patched["version"]) == ("Europe/Paris", stored["version"] + 1)
    assert (await call(api, "GET", path))[1] == patched
    bad = {"addresses": {"email": "Grace <g@example.com>"}, "zone": "Mars/Base"}
    status, problem, _ = await call(api, "PATCH", path, json=bad)
    assert [error["pointer"] for error in problem["errors"]] == ["/addresses/email", "/zone"]
    async with client(stack.urls[0], stack.other_key) as elsewhere:
        assert (await call(elsewhere, "GET", path))[0] == 404
    assert (await call(api, "DELETE", path))[0] == 204
    assert (await call(api, "GET", path))[0] == 404
    assert (await call(api, "DELETE", path))[0] == 404
    changes = [
        message
        for message in await stack.read(stack.topics.notifications)
        if message.key == "default:grace/höpper".encode()
    ]
    assert len(changes) == 4
    again = (await call(api, "PUT", path, json={}))[1]
    assert again["version"] > patched["version"]


async def test_a_path_that_is_another_users_or_nobodys_changes_nothing(api: aiohttp.ClientSession) -> None:
    for user in ("victim", "\ufffd"):
        assert (await call(api, "PUT", f"/v1/users/{quote(user)}", json={}))[0] == 200
    for path, status, code in (
        ("victim%0A", 422, "invalid_user_id"),
        ("vic%0Atim", 422, "invalid_user_id"),
        ("%0Avictim", 422, "invalid_user_id"),
        ("%FF", 400, "invalid_path"),
        ("%C3%28", 400, "invalid_path"),
    ):
        url = URL(f"/v1/users/{path}", encoded=True)
        for method, body in (("DELETE", None), ("GET", None), ("PUT", {}), ("PATCH", {})):
            got, problem, _ = await call(api, method, url, json=body)
            assert (got, problem["code"]) == (status, code), (method, path)
    for user in ("victim", "\ufffd"):
        assert (await call(api, "GET", f"/v1/users/{quote(user)}"))[0] == 200


async def test_a_producers_put_keeps_what_the_user_chose(api: aiohttp.ClientSession) -> None:
    chosen = {
        "preferences": {"categories": {"marketing": False}},
        "quiet_hours": {"windows": [{"from": "22:00", "until": "07:00"}]},
    }
    assert (await call(api, "PATCH", "/v1/users/nell", json=chosen))[0] == 200, "PATCH creates as well"
    await call(api, "PUT", "/v1/users/nell", json={"addresses": {"email": "nell@example.com"}, "name": "Nell"})
    _, stored, _ = await call(api, "PUT", "/v1/users/nell", json={"addresses": {"email": "n@example.com"}})
    assert stored["addresses"] == {"email": "n@example.com"}
    assert "name" not in stored
    assert stored["preferences"] == chosen["preferences"]
    assert stored["quiet_hours"]["windows"][0]["from"] == "22:00"
    _, stored, _ = await call(api, "PUT", "/v1/users/nell", json={"preferences": {}, "quiet_hours": None})
    assert stored.get("preferences", {}) == {}
    assert "quiet_hours" not in stored


async def test_the_openapi_document_names_what_the_problems_page_explains(api: aiohttp.ClientSession) -> None:
    status, document, _ = await call(api, "GET", "/openapi.json")
    assert (status, document["openapi"][:3]) == (200, "3.1")
    assert {"/v1/notifications", "/v1/events", "/v1/schedules", "/v1/fanouts/{fanout}"} <= document["paths"].keys()
    assert (await call(api, "GET", "/nowhere"))[1]["code"] == "not_found"
    assert (await call(api, "GET", "/v1/events"))[1]["code"] == "method_not_allowed"
