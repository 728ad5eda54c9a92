from __future__ import annotations

import json

import pytest

from services.gateway.core.limits import MAX_RESUME_ROWS
from services.gateway.live.core.actions import ApplyChange, Authenticate, LoadInbox, WatchToken
from services.gateway.live.core.cursor import Cursor, Cursors
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from services.gateway.live.core.state import SessionState
from shared.model.inbox import Change
from tests.unit.gateway.scenes import ANN, EPOCH, changed, close_code, created, item, live, resuming, said, snapshot

CURSORS = Cursors(EPOCH, b"default:ann")


def test_the_first_message_authenticates():
    session = Session(EPOCH)
    assert session.on_open(None, None) == []
    assert session.on_frame('{"type":"auth","token":"t"}', 0) == [Authenticate("t")]
    assert session.on_user(ANN) == [WatchToken(ANN.expires_at), LoadInbox(ANN, None)]
    assert session.state is SessionState.RESUMING


def test_a_subprotocol_authenticates_without_a_message():
    assert Session(EPOCH).on_open("t", None) == [Authenticate("t")]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"type":"read","all":true}', CloseCode.UNAUTHORIZED),
        ('{"type":"nonsense"}', CloseCode.UNAUTHORIZED),
        ("{", CloseCode.BAD_MESSAGE),
        (b"{}", CloseCode.BAD_MESSAGE),
        ('{"type":"ping","x":' + "[" * 5_000, CloseCode.BAD_MESSAGE),
    ],
)
def test_a_stranger_is_sent_away(frame, code):
    assert close_code(Session(EPOCH).on_frame(frame, 0)) is code


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"nonsense"}',
        '{"type":"read"}',
        '{"type":"read","ids":["a"],"all":true}',
        '{"type":"read","all":false}',
        '{"type":"read","ids":[]}',
        '{"type":"seen","ids":"a"}',
        '{"type":"delete","ids":[{"$ne":null}]}',
        json.dumps({"type": "seen", "ids": ["a"] * 101}),
        "[]",
        "1",
    ],
)
def test_a_bad_command_is_told_and_the_connection_goes_on(frame):
    session = live()
    [told] = said(session.on_frame(frame, 0))
    assert (told["type"], told["code"]) == ("error", "bad_command")
    assert session.state is SessionState.LIVE


@pytest.mark.parametrize(
    ("frame", "apply"),
    [
        ('{"type":"read","ids":["a","b"],"ref":"1"}', ApplyChange(Change.READ, ("a", "b"), None, "read", "1")),
        ('{"type":"read","all":true}', ApplyChange(Change.READ, None, None, "read", None)),
        (
            '{"type":"read","all":true,"notification_type":"new_message"}',
            ApplyChange(Change.READ, None, "new_message", "read", None),
        ),
        ('{"type":"unread","ids":["a"]}', ApplyChange(Change.UNREAD, ("a",), None, "unread", None)),
        ('{"type":"seen","ids":["a"]}', ApplyChange(Change.SEEN, ("a",), None, "seen", None)),
        ('{"type":"archive","ids":["a"]}', ApplyChange(Change.ARCHIVED, ("a",), None, "archive", None)),
        ('{"type":"unarchive","ids":["a"]}', ApplyChange(Change.UNARCHIVED, ("a",), None, "unarchive", None)),
        ('{"type":"delete","ids":["a"]}', ApplyChange(Change.DELETED, ("a",), None, "delete", None)),
    ],
)
def test_commands(frame, apply):
    assert live().on_frame(frame, 0) == [apply]


def test_ping_and_answers_carry_the_reference():
    session = live()
    assert said(session.on_frame('{"type":"ping","ref":"7"}', 0)) == [{"type": "pong", "ref": "7"}]
    apply = ApplyChange(Change.READ, ("a",), None, "read", "8")
    assert said(session.on_applied(apply, 1)) == [{"type": "ok", "for": "read", "ref": "8", "updated": 1}]
    [failed] = said(session.on_failed(apply, "temporarily_unavailable", "repeat it"))
    assert (failed["code"], failed["ref"]) == ("temporarily_unavailable", "8")


def test_too_many_messages_end_the_connection():
    session = live()
    codes = [close_code(session.on_frame('{"type":"ping"}', 5.0)) for _ in range(150)]
    assert CloseCode.TOO_MANY_MESSAGES in codes
    assert session.state is SessionState.CLOSED
    assert session.on_frame('{"type":"ping"}', 99.0) == []


def test_a_new_client_gets_what_it_never_saw_then_what_comes():
    session = resuming()
    hello, *rest, now_live = said(session.on_rows(snapshot([item(3), item(5)], unread=4, end=9)))
    assert hello["type"] == "hello"
    assert hello["unread"] == 4
    assert CURSORS.read(hello["cursor"]) == Cursor(2, 100_000)  # whoever leaves after the hello has missed nothing
    assert [told["item"]["id"] for told in rest] == ["n3", "n5"]
    assert [told["unread"] for told in rest] == [4, 4]
    assert now_live["type"] == "live"
    assert CURSORS.read(now_live["cursor"]) == Cursor(9, 100_000)
    assert session.on_event(created(9)) == []
    [told] = said(session.on_event(created(10)))
    assert (told["item"]["offset"], told["unread"]) == (10, 5)


def test_a_new_client_with_an_empty_inbox_starts_at_its_end():
    hello, now_live = said(resuming().on_rows(snapshot(end=-1)))
    assert now_live == {"type": "live", "cursor": hello["cursor"]}
    assert CURSORS.read(hello["cursor"]) == Cursor(-1, 100_000)


def test_a_resumed_client_gets_states_then_rows_and_keeps_its_token_until_then():
    session = resuming(CURSORS.write(4, 90_000))
    rows = snapshot([item(6)], changed=[item(2, read_at=95_000)], unread=1, end=6)
    hello, sync, row, now_live = said(session.on_rows(rows))
    assert CURSORS.read(hello["cursor"]) == Cursor(4, 90_000)
    assert (sync["change"], sync["items"][0]["read_at"]) == ("sync", 95_000)
    assert CURSORS.read(sync["cursor"]) == Cursor(4, 100_000)
    assert CURSORS.read(row["cursor"]) == Cursor(6, 100_000)
    assert now_live == {"type": "live", "cursor": row["cursor"]}


@pytest.mark.parametrize(
    ("cursor", "rows", "reason"),
    [
        ("junk", snapshot(end=6), "unknown_cursor"),
        (Cursors("another", b"default:ann").write(1, 1), snapshot(end=6), "unknown_cursor"),
        (Cursors(EPOCH, b"default:bob").write(1, 1), snapshot(end=6), "unknown_cursor"),
        (CURSORS.write(7, 1), snapshot(end=6), "unknown_cursor"),
        (CURSORS.write(0, 1), snapshot(end=301, too_many=True), "too_many"),
        (CURSORS.write(0, 1), snapshot([item(1, body="\x01" * 200_000)], end=1), "too_many"),
    ],
)
def test_what_cannot_be_mended_is_reset(cursor, rows, reason):
    session = resuming(cursor)
    reset, hello, now_live = said(session.on_rows(rows))
    assert now_live == {"type": "live", "cursor": hello["cursor"]}
    assert reset == {"type": "reset", "reason": reason}
    assert CURSORS.read(hello["cursor"]) == Cursor(rows.end, rows.token)
    assert session.result_of_resume == "reset"
    [told] = said(session.on_event(created(rows.end + 1)))
    assert told["item"]["offset"] == rows.end + 1


def test_exactly_the_limit_is_not_reset():
    rows = snapshot([item(n) for n in range(1, MAX_RESUME_ROWS + 1)], end=MAX_RESUME_ROWS)
    told = said(resuming(CURSORS.write(0, 1)).on_rows(rows))
    assert [one["type"] for one in told] == ["hello", *["notification"] * MAX_RESUME_ROWS, "live"]


def test_a_flood_while_the_rows_are_read_is_loaded_again():
    session = resuming(CURSORS.write(0, 1))
    for offset in range(1, MAX_RESUME_ROWS + 10):
        assert session.on_event(created(offset)) == []
    assert session.on_rows(snapshot(end=0)) == [LoadInbox(ANN, None)]
    reset, hello, _ = said(session.on_rows(snapshot(end=400, unread=400)))
    assert (reset["reason"], hello["unread"]) == ("too_many", 400)


def test_what_was_announced_while_the_rows_were_read_comes_once():
    session = resuming(CURSORS.write(4, 1))
    for offset in (5, 6, 7):
        session.on_event(created(offset))
    _, *rest, now_live = said(session.on_rows(snapshot([item(5), item(6)], unread=2, end=6)))
    assert now_live["type"] == "live", "behind all that came meanwhile"
    assert CURSORS.read(now_live["cursor"]).offset == 7
    assert [(told["item"]["offset"], told["unread"]) for told in rest] == [(5, 2), (6, 2), (7, 3)]


def test_a_change_is_told_with_its_absolute_count_and_moves_the_token():
    session = live(unread=3, end=5)
    [told] = said(session.on_event(changed(Change.READ, 4, at=200_000, unread=2, counted_to=5)))
    assert (told["type"], told["change"], told["unread"]) == ("state", "read", 2)
    assert told["items"][0]["read_at"] == 200_000
    assert CURSORS.read(told["cursor"]) == Cursor(5, 200_000)


def test_a_count_that_includes_a_row_still_on_its_way_counts_it_once():
    session = live(unread=1, end=5)
    session.on_event(changed(Change.READ, 5, at=200_000, unread=1, counted_to=6))
    [told] = said(session.on_event(created(6)))
    assert told["unread"] == 1


def test_a_count_made_before_a_row_that_came_first_gets_it_on_top():
    session = live(unread=1, end=5)
    session.on_event(created(6))
    [told] = said(session.on_event(changed(Change.READ, 5, at=200_000, unread=0, counted_to=5)))
    assert told["unread"] == 1


def test_of_two_counts_the_later_one_is_right_whichever_comes_first():
    session = live(unread=5, end=5)
    session.on_event(changed(Change.READ, 4, at=300_000, unread=3, counted_to=5))
    [told] = said(session.on_event(changed(Change.READ, 3, at=200_000, unread=4, counted_to=5)))
    assert told["unread"] == 3


def test_what_was_not_seen_is_counted_beside_what_was_not_read():
    session = resuming()
    hello, _ = said(session.on_rows(snapshot(unread=4, unseen=2, end=5)))
    assert (hello["unread"], hello["unseen"]) == (4, 2)
    [told] = said(session.on_event(created(6)))
    assert (told["unread"], told["unseen"]) == (5, 3)
    [told] = said(session.on_event(changed(Change.SEEN, 6, at=200_000, unread=5, counted_to=6, unseen=0)))
    assert (told["unread"], told["unseen"]) == (5, 0)
    session.on_event(created(8))
    [told] = said(session.on_event(changed(Change.READ, 5, at=300_000, unread=4, counted_to=7, unseen=0)))
    assert (told["unread"], told["unseen"]) == (5, 1), "the one that came later comes on top"


def test_of_an_older_process_that_counts_none_the_last_count_stays():
    session = live(unread=3, unseen=2, end=5)
    [told] = said(session.on_event(changed(Change.READ, 4, at=200_000, unread=2, counted_to=5)))
    assert (told["unread"], told["unseen"]) == (2, 2)
