"""The AsyncAPI document says of every message what is really sent, and of every command what is really taken."""

from __future__ import annotations

import json
from typing import Any, get_args

import jsonschema_rs
import msgspec
import pytest

from services.gateway.app import create_api
from services.gateway.dialects.core.dashboard import Dashboard
from services.gateway.live.asyncapi import document
from services.gateway.live.core import commands
from services.gateway.live.core.actions import Action, ApplyChange
from services.gateway.live.core.cursor import Cursors
from services.gateway.live.core.messages import (
    CLOSE_CODES,
    CloseCode,
    NotificationMessage,
    ServerMessage,
    SocketItem,
    StateMessage,
)
from services.gateway.settings import GatewaySettings
from shared.http.tokens import TokenVerifier
from shared.model.inbox import Change, InboxItem
from tests.support.asgi import ask_app
from tests.unit.gateway.scenes import ANN, EPOCH, changed, created, item, live, resuming, said, snapshot

DOCUMENT = document("gateway.example.com:8082")
CURSOR = Cursors(EPOCH, b"default:ann").write(4, 1)


def is_valid(name: str, message: dict[str, Any]) -> None:
    schema = {
        "$ref": f"#/components/schemas/{DOCUMENT['components']['messages'][name]['payload']['$ref'].rsplit('/')[-1]}"
    }
    jsonschema_rs.validate(schema | {"components": DOCUMENT["components"]}, message)


def scene() -> list[Action]:
    """A session that is told everything that there is to tell."""
    session = resuming(CURSOR)
    found = session.on_rows(snapshot([item(5, title="x")], changed=[item(2, read_at=7)], unread=1, end=5))
    found += session.on_event(created(6, url="https://example.com", type="chat"))
    found += session.on_event(changed(Change.READ, 6, at=200_000, unread=0))
    apply = ApplyChange(Change.READ, ("n6",), None, "read", "7")
    found += session.on_applied(apply, 1)
    found += session.on_failed(apply, "temporarily_unavailable", "repeat it")
    found += session.on_frame('{"type":"ping"}', 0)
    found += session.on_user(ANN, "8")
    found += session.on_expiring(30)
    found += session.on_restart(500)
    return [*found, *resuming("junk").on_rows(snapshot(end=3))]


def test_every_type_of_message_is_told_and_is_as_the_document_says() -> None:
    told = said(scene())
    for message in told:
        is_valid(message["type"], message)
    named = {str(kind.__struct_config__.tag) for kind in get_args(ServerMessage)}
    assert {message["type"] for message in told} == named


def test_a_dashboard_is_told_what_its_channel_names_and_nothing_else() -> None:
    frames = [
        json.loads(frame) for message in said(scene()) for frame in Dashboard().encode(msgspec.json.encode(message))
    ]
    for frame in frames:
        is_valid(frame["type"], frame)
    named = {name for name in DOCUMENT["channels"]["dashboard"]["messages"] if not name.startswith("command_")}
    assert {frame["type"] for frame in frames} == named


@pytest.mark.parametrize("kind", [NotificationMessage, StateMessage])
def test_what_is_put_together_of_bytes_is_what_the_type_encodes(kind: type[msgspec.Struct]) -> None:
    tag = kind.__struct_config__.tag
    told = [message for message in said(scene()) if message["type"] == tag]
    assert len(told) == 2
    for message in told:
        found = msgspec.json.decode(json.dumps(message), type=kind)
        assert _whole(json.loads(msgspec.json.encode(found))) == _whole(message)


def _whole(message: dict[str, Any]) -> dict[str, Any]:
    """Without what is null: a field that is missing says the same."""
    items = message.get("items", [message.get("item")])
    return message | {"items": [{name: value for name, value in one.items() if value is not None} for one in items]}


def test_an_item_has_the_fields_that_it_is_said_to_have() -> None:
    assert SocketItem.__struct_fields__ == InboxItem.__struct_fields__


def test_every_command_is_in_it() -> None:
    for tag in commands._TYPES:
        text: dict[str, Any] = {"type": tag}
        if tag == "auth":
            text |= {"token": "t", "cursor": CURSOR}
        elif tag != "ping":
            text |= {"ids": ["a"]} | ({"until": 5} if tag == "snooze" else {})
        assert not isinstance(commands.decode_command(json.dumps(text)), commands.BadCommand)
        is_valid(f"command_{tag}", text)


def test_what_is_no_command_is_none_in_it_either() -> None:
    for name, bad in (("command_auth", {"type": "auth"}), ("command_seen", {"type": "seen", "ids": []})):
        with pytest.raises(jsonschema_rs.ValidationError):
            is_valid(name, bad)


def test_every_close_code_says_what_to_do() -> None:
    assert set(CLOSE_CODES) == set(CloseCode)
    assert DOCUMENT["x-close-codes"].keys() == {str(code.value) for code in CloseCode}


def test_every_reference_leads_somewhere() -> None:
    def walk(found: Any) -> None:
        if isinstance(found, dict):
            if "$ref" in found:
                place: Any = DOCUMENT
                for part in str(found["$ref"]).removeprefix("#/").split("/"):
                    place = place[part]
            for value in found.values():
                walk(value)
        elif isinstance(found, list):
            for value in found:
                walk(value)

    walk(DOCUMENT)
    assert live().state  # the scene's sessions are real ones


async def test_the_gateway_serves_it_to_anybody() -> None:
    settings = GatewaySettings(token_secret="s" * 32, socket_port=9082)
    parts: Any = dict.fromkeys(("database", "writer", "catalog", "store", "changes", "subscriptions", "tickets"))
    api = create_api(settings, TokenVerifier(secret="s" * 32), components={}, **parts)
    answer = await ask_app(api, "GET", "/asyncapi.json", headers={"host": "inbox.example.com"})
    assert answer.status == 200
    assert answer.json() == json.loads(msgspec.json.encode(document("inbox.example.com:9082")))
