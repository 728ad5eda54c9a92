"""The third system's frames, as its pages read them; whatever they do not know is as it was."""

from __future__ import annotations

import json
from types import SimpleNamespace

import msgspec
import pytest

from services.gateway.dialects.choosing import CARILLON, DASHBOARD, open_connection, select
from services.gateway.dialects.core.dashboard import Dashboard
from services.gateway.dialects.translated import TranslatedConnection
from services.gateway.live.connection import Connection
from shared.model.inbox import Change
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.scenes import changed, created, item, live, resuming, said, snapshot

UPDATE = "dashboard.notification.update"
ISSUE = {
    "title": "Issue reported for work order 12: leak",
    "type": "issue_detected",
    "priority": "high",
    "data": msgspec.Raw(b'{"work_order_id":12,"big":12345678901234567890,"small":1.10}'),
}


def frames(message: bytes) -> list[dict]:
    return [json.loads(frame) for frame in Dashboard().encode(message)]


def test_what_is_new_has_the_documents_fields() -> None:
    session = live(end=3)
    told = session.tell(created(4, **ISSUE))
    [frame] = frames(told)
    assert frame == {
        "type": UPDATE,
        "data": {
            "notification": {
                "id": "n4",
                "type": "issue_detected",
                "message": "Issue reported for work order 12: leak",
                "timestamp": "1970-01-01T00:00:01.000Z",
                "priority": 2,
                "metadata": {"work_order_id": 12, "big": 12345678901234567890, "small": 1.10},
                "recipient_ids": None,
                "read": False,
            },
            "unread_count": 1,
        },
        "cursor": json.loads(told)["cursor"],
    }
    assert b'"small":1.10' in Dashboard().encode(told)[0], "data stay as they stand"


@pytest.mark.parametrize(
    ("fields", "member", "shown"),
    [
        ({}, "type", "new_message"),
        ({"type": "status_update"}, "type", "status_update"),
        ({}, "priority", 1),
        ({"priority": "low"}, "priority", 1),
        ({"priority": "normal"}, "priority", 1),
        ({"priority": "urgent"}, "priority", 3),
        ({"priority": "a newer one"}, "priority", 1),
        ({"title": "A", "body": "B"}, "message", "A\nB"),
        ({"body": "B"}, "message", "B"),
        ({}, "metadata", None),
    ],
)
def test_what_an_item_may_have_or_not(fields: dict, member: str, shown: object) -> None:
    [frame] = frames(live().tell(created(1, **fields)))
    assert frame["data"]["notification"][member] == shown


def test_what_was_read_is_told_with_the_count() -> None:
    session = live(unread=2, end=3)
    [frame] = frames(session.tell(changed(Change.READ, 3, at=200_000, unread=1)))
    assert frame["type"] == UPDATE
    assert frame["data"] == {"changed": [{"id": "n3", "read": True, "removed": False}], "unread_count": 1}


@pytest.mark.parametrize(
    ("state", "removed"),
    [({}, False), ({"read_at": 5}, False), ({"archived_at": 5}, True), ({"deleted_at": 5}, True),
     ({"snoozed_until": 5}, True)],
)  # fmt: skip
def test_what_is_in_no_list_is_removed(state: dict, removed: bool) -> None:
    raw = {"type": "state", "items": [{"id": "n1", "workflow": "w", "created_at": 1} | state], "unread": 0}
    [frame] = frames(json.dumps(raw).encode())
    assert frame["data"]["changed"][0]["removed"] is removed


def test_whoever_comes_is_told_the_count_first_then_what_was_missed() -> None:
    told = resuming().on_rows(snapshot([item(2, archived_at=3), item(3, read_at=5)], unread=2, end=3))
    found = [frame for action in told for frame in frames(action.payload)]
    assert [frame["type"] for frame in found] == [UPDATE, UPDATE, UPDATE, "live"]
    assert found[0]["data"] == {"unread_count": 2}
    assert [frame["data"]["notification"]["read"] for frame in found[1:3]] == [False, True]


def test_the_rest_is_as_it_was() -> None:
    session = live()
    for message in [
        *said(session.on_frame('{"type":"ping","ref":"1"}', 0.0)),
        *said(session.on_frame('{"type":"junk"}', 0.0)),
        *said(session.on_expiring(20)),
        *said(resuming("junk").on_rows(snapshot(end=3)))[:1],
        *said(session.on_restart(500)),
    ]:
        raw = json.dumps(message).encode()
        assert Dashboard().encode(raw) == (raw,)


@pytest.mark.parametrize(
    ("path", "offered", "chosen", "translated"),
    [
        ("/", [], None, False),
        ("/ws", [], None, True),
        ("/ws/?cursor=c", [], None, True),
        ("/behind/a/proxy/ws", [], None, True),
        ("/news", [], None, False),
        ("//[", [], None, False),
        ("//a]b/ws", [], None, True),
        ("/ws", ["carillon.v1"], CARILLON, False),
        ("/", ["bearer.x", "dashboard.v1"], DASHBOARD, True),
        ("/", ["other"], None, False),
        ("/", ["carillon.v1", "dashboard.v1"], CARILLON, False),
    ],
)
async def test_which_dialect_a_socket_speaks(path: str, offered: list, chosen: str | None, translated: bool) -> None:
    assert select(None, offered) == chosen
    transport = SimpleNamespace(get_write_buffer_size=lambda: 0)
    request = SimpleNamespace(path=path)
    socket = SimpleNamespace(request=request, subprotocol=chosen, transport=transport, protocol=None)
    found = open_connection(socket, LiveGateway().context)
    assert type(found) is (TranslatedConnection if translated else Connection)
