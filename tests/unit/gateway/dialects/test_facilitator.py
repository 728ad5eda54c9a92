"""The second system's events: what becomes a command, and what a message becomes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from services.gateway.dialects.core.facilitator import Facilitator
from services.gateway.live.core.actions import ApplyChange, ListUnread, SendFrame
from services.gateway.live.core.commands import AuthCommand, BadCommand, ListCommand, NotJson, ReadCommand
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from shared.model import ids
from shared.model.inbox import Change, InboxEvent, InboxItem, encode
from shared.model.numbers import number_of
from tests.unit.gateway.scenes import ANN, EPOCH, Announcement, item, snapshot

BOOKING = msgspec.Raw(b'{"booking_id":123,"user":{"id":5},"session":{"id":1},"message":"theirs","amount":1.10}')


def booking(offset: int, **fields: Any) -> InboxItem:
    more = {"type": "new_booking", "title": "New booking", "data": BOOKING} | fields
    return InboxItem(
        id=ids.derive("test", offset), workflow="facilitators.new_booking", offset=offset, created_at=1_000, **more
    )


def arrived(offset: int, **fields: Any) -> Announcement:
    return Announcement(encode(InboxEvent(change=Change.CREATED, items=(booking(offset, **fields),), at=1_000)))


def changed(change: Change, *items: InboxItem) -> Announcement:
    return Announcement(encode(InboxEvent(change=change, items=items, at=200_000, unread=1, unseen=0)))


def live(dialect: Facilitator, **of_snapshot: Any) -> tuple[Session, list[tuple[str, Any]]]:
    session = Session(EPOCH, decode=dialect.decode)
    session.on_open("t", None)
    session.on_user(ANN)
    return session, events(dialect, session.on_rows(snapshot(**of_snapshot)))


def events(dialect: Facilitator, actions: list[Any]) -> list[tuple[str, Any]]:
    told = [frame for action in actions if isinstance(action, SendFrame) for frame in dialect.encode(action.payload)]
    assert all(frame[:1] == b"2" for frame in told)
    return [tuple(json.loads(frame[1:])) for frame in told]


def of(dialect: Facilitator, session: Session, announcement: Announcement) -> list[tuple[str, Any]]:
    return events(dialect, session.on_event(announcement))


def test_a_booking_has_the_documents_fields() -> None:
    session, _ = live(dialect := Facilitator())
    [(name, data)] = of(dialect, session, arrived(4))
    assert name == "new_booking_notification"
    assert data.pop("cursor")
    assert data == {
        "booking_id": 123,
        "user": {"id": 5},
        "session": {"id": 1},
        "amount": 1.10,
        "type": "new_booking",
        "timestamp": "1970-01-01T00:00:01.000Z",
        "message": "New booking",
        "notification_id": number_of(ids.derive("test", 4)),
        "stored_at": "1970-01-01T00:00:01.000Z",
        "read": False,
        "unread_count": 1,
    }


@pytest.mark.parametrize("data", [b"null", b"[1]", b'"text"'])
def test_what_has_no_object_as_its_data_is_told_without(data: bytes) -> None:
    session, _ = live(dialect := Facilitator())
    [(name, told)] = of(dialect, session, arrived(4, type="other", data=msgspec.Raw(data)))
    assert name == "new_notification"
    assert told["message"] == "New booking"


def test_an_id_that_is_not_derived_is_its_own_name() -> None:
    session, _ = live(dialect := Facilitator())
    event = InboxEvent(change=Change.CREATED, items=(item(4),), at=1_000)
    [(_, told)] = of(dialect, session, Announcement(encode(event)))
    assert told["notification_id"] == "n4"


def test_who_comes_is_welcomed_first_then_told_what_was_missed() -> None:
    dialect = Facilitator()
    dialect.decode('["facilitator_connect",{"facilitator_id":2,"token":"t"}]')
    _, told = live(dialect, rows=[booking(2), booking(3)], unread=2, end=3)
    names = [name for name, _ in told]
    assert names == ["facilitator_auth_success", "new_booking_notification", "new_booking_notification", "live"]
    assert told[0][1]["facilitator_id"] == 2


def test_what_changed_is_told_for_each_and_only_the_last_one_has_the_cursor() -> None:
    session, _ = live(dialect := Facilitator(), unread=3, end=3)
    read = [booking(offset, read_at=5, data=msgspec.Raw(b"null")) for offset in (1, 2, 3)]
    told = of(dialect, session, changed(Change.READ, *read))
    assert [name for name, _ in told] == ["notification_marked_read"] * 3
    assert ["cursor" in data for _, data in told] == [False, False, True]
    [(name, data)] = of(dialect, session, changed(Change.ARCHIVED, booking(1, archived_at=7)))
    assert (name, data["removed"], data["read"]) == ("notification_changed", True, False)


def test_what_was_not_found_is_told_to_who_asked_and_what_was_is_not_told_twice() -> None:
    session, _ = live(dialect := Facilitator())
    apply = ApplyChange(Change.READ, ("456",), None, "read", "456")
    assert events(dialect, session.on_applied(apply, 0)) == [
        ("error", {"error": "no such notification", "notification_id": "456"})
    ]
    assert events(dialect, session.on_applied(apply, 1)) == []
    [(name, _)] = events(dialect, session.on_failed(apply, "temporarily_unavailable", "repeat it"))
    assert name == "error"


def test_a_new_token_is_welcomed_too() -> None:
    session, _ = live(dialect := Facilitator())
    [(name, data)] = events(dialect, session.on_user(ANN))
    assert (name, data["facilitator_id"]) == ("facilitator_auth_success", "")


@pytest.mark.parametrize(
    ("act", "name"),
    [
        (lambda session: session.on_expiring(20), "token_expiring"),
        (lambda session: session.on_restart(500)[:1], "server_restart"),
        (lambda session: session.on_frame("[]", 0.0), None),
        (lambda session: session.on_frame('["junk"]', 0.0), "error"),
    ],
)
def test_what_the_document_has_no_word_for(act: Any, name: str | None) -> None:
    session, _ = live(dialect := Facilitator())
    assert [found for found, _ in events(dialect, act(session))] == ([name] if name else [])


@pytest.mark.parametrize(
    ("event", "command"),
    [
        (["facilitator_connect", {"facilitator_id": 2, "token": "t"}], AuthCommand(token="t")),
        (["facilitator_connect", {"facilitator_id": "b", "token": "t", "cursor": "c"}], AuthCommand("t", "c")),
        (["get_pending_notifications", {"facilitator_id": 2}], ListCommand(0)),
        (["get_pending_notifications"], ListCommand(0)),
        (["get_pending_notifications", {"offset": -5}], ListCommand(0)),
        (["get_pending_notifications", {"offset": 100}], ListCommand(100)),
        (["mark_notification_read", {"notification_id": 456}], ReadCommand(ids=("456",), ref="456")),
        (["mark_notification_read", {"notification_id": "x" * 100}], ReadCommand(ids=("x" * 64,), ref="x" * 64)),
    ],
)
def test_events_are_commands(event: list, command: object) -> None:
    assert Facilitator().decode(json.dumps(event)) == command


@pytest.mark.parametrize(
    "event",
    [["junk", {}], [[], {}], ["facilitator_connect", []], ["facilitator_connect", {"facilitator_id": {}}],
     ["get_pending_notifications", {"offset": "1"}], ["mark_notification_read", {}]],
)  # fmt: skip
def test_what_is_no_command_is_said_to_be_none(event: list) -> None:
    try:
        assert isinstance(Facilitator().decode(json.dumps(event)), BadCommand)
    except NotJson:
        assert event == [[], {}]


@pytest.mark.parametrize("frame", ["", "[", "{}", "[]", "1", b"\xff", "[" * 5_000])
def test_what_is_no_event_is_not_the_protocol(frame: str | bytes) -> None:
    with pytest.raises(NotJson):
        Facilitator().decode(frame)


def test_pending_ones_are_asked_of_the_shell_once_the_client_is_known() -> None:
    dialect = Facilitator()
    session, _ = live(dialect)
    assert session.on_frame('["get_pending_notifications",{"offset":7}]', 0.0) == [ListUnread(7)]
    name, data = json.loads(dialect.pending([booking(1), booking(2)], 5)[1:])
    assert (name, data["count"], data["total"]) == ("pending_notifications", 2, 5)
    assert [one["notification_id"] for one in data["notifications"]] == [
        number_of(ids.derive("test", offset)) for offset in (1, 2)
    ]


@pytest.mark.parametrize("code", list(CloseCode))
def test_the_end_says_why(code: CloseCode) -> None:
    name, data = json.loads(Facilitator().ending(code, "so it is")[1:])
    assert name == ("auth_error" if code in {CloseCode.UNAUTHORIZED, CloseCode.AUTH_TIMEOUT} else "error")
    assert data["error"] == "so it is"
