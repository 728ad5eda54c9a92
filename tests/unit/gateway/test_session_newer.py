"""What a gateway is too old to tell: the client is told to read its inbox again, never shown something wrong."""

from __future__ import annotations

from services.gateway.live.core.actions import LoadInbox
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.session import Session
from services.gateway.live.core.state import SessionState
from tests.unit.gateway.scenes import ANN, EPOCH, created, item, live, resuming, said, snapshot

CURSORS = Cursors(EPOCH, b"default:ann")


def test_a_live_client_is_reset_and_goes_on():
    session = live(end=3)
    assert session.on_newer() == [LoadInbox(ANN, None)]
    assert session.on_newer() == [], "one reading for all that comes meanwhile"
    assert session.on_event(created(5)) == []
    told = said(session.on_rows(snapshot(end=4, unread=2)))
    assert [(one["type"], one.get("reason")) for one in told] == [
        ("reset", "newer"),
        ("hello", None),
        ("notification", None),
        ("live", None),
    ]
    assert CURSORS.read(told[1]["cursor"]).offset == 4
    assert session.state is SessionState.LIVE
    assert [one["item"]["offset"] for one in said(session.on_event(created(6)))] == [6]


def test_a_client_that_is_resuming_is_reset_too():
    session = resuming(CURSORS.encode(2, 0).decode())
    assert session.on_newer() == []
    told = said(session.on_rows(snapshot([item(3)], end=3)))
    assert [one["type"] for one in told] == ["reset", "hello", "live"]
    assert CURSORS.read(told[1]["cursor"]) == Cursor(3, 100_000)


def test_who_has_not_said_who_they_are_is_told_nothing():
    session = Session(EPOCH)
    assert session.on_newer() == []
    assert session.state is SessionState.UNIDENTIFIED
