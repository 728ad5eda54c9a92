"""What a client's developer reads: reasons that name the mistake, replayed items that say so, counts that say how new they are."""

from __future__ import annotations

import json

import msgspec
import pytest

from services.gateway.core.limits import MAX_RESUME_BYTES
from services.gateway.live.core.actions import CloseConnection, LoadInbox
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.cursor import Cursors
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from shared.model.inbox import Change, InboxEvent
from tests.unit.gateway.live_gateway import LiveGateway
from tests.unit.gateway.scenes import ANN, EPOCH, changed, close_code, created, item, live, resuming, said, snapshot

CURSORS = Cursors(EPOCH, b"default:ann")
KNOWN = "auth, ping, read, unread, seen, archive, unarchive, snooze, unsnooze, delete"


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        ('{"type":"unred","ids":["a"]}', f"unknown type 'unred'; did you mean 'unread'? The types are {KNOWN}"),
        ('{"type":"qqq"}', f"unknown type 'qqq'. The types are {KNOWN}"),
        ('{"ids":["a"]}', f"a message is an object with a `type`: one of {KNOWN}"),
        ('{"type":7}', f"a message is an object with a `type`: one of {KNOWN}"),
        ("[]", f"a message is an object with a `type`: one of {KNOWN}"),
        ('{"type":"seen"}', "seen: Object missing required field `ids`"),
    ],
)
def test_a_bad_command_is_told_what_would_be_right(frame, detail):
    [told] = said(live().on_frame(frame, 0))
    assert told["detail"] == detail


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"type":"auth"}', "the first message is auth, with a token: auth: Object missing required field `token`"),
        ('{"type":"ping"}', "the first message is auth, with a token"),
        ('{"type":"ünd%s"}' % ("ü" * 200), "the first message is auth, with a token: unknown type 'ünd"),
    ],
)
def test_a_stranger_is_told_what_is_missing_in_as_many_bytes_as_a_close_frame_has(frame, reason):
    [close] = Session(EPOCH).on_frame(frame, 0)
    assert isinstance(close, CloseConnection)
    assert close.code is CloseCode.UNAUTHORIZED
    assert close.reason.startswith(reason)
    assert len(close.reason.encode()) <= 123


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"nope", and no JSON',
        '{"type":"read","ids":[1], and no JSON',
        '{"type":"nope","deep":' + "[" * 20_000,
        '{"type":"nope","ref":"\\ud800"}',
    ],
)
def test_what_turns_out_to_be_no_json_behind_a_wrong_command_is_no_json(frame):
    for session in (Session(EPOCH), live()):
        assert close_code(session.on_frame(frame, 0)) is CloseCode.BAD_MESSAGE


@pytest.mark.parametrize(
    ("frame", "ref"),
    [
        ('{"type":"unred","ref":"r-1"}', "r-1"),
        ('{"type":"seen","ref":"r-2"}', "r-2"),
        ('{"type":"read","ref":"r-3"}', "r-3"),
        ('{"type":"seen","ref":7}', None),
        ('{"type":"seen","ref":"%s"}' % ("r" * 65), None),
    ],
)
def test_a_refused_command_is_answered_under_its_ref(frame, ref):
    [told] = said(live().on_frame(frame, 0))
    assert (told["type"], told["ref"]) == ("error", ref)


async def test_a_new_token_is_answered_under_its_ref():
    gateway = LiveGateway()
    async with gateway.socket() as ann:
        await ann.next("hello")
        ann.say(type="auth", token="ann", ref="r-1")
        ann.say(type="auth", token="7", ref="r-2")
        assert (await ann.next("ok"))["ref"] == "r-1"
        assert (await ann.next("error"))["ref"] == "r-2"


def test_a_byte_order_mark_is_no_part_of_a_message():
    assert said(live().on_frame('\ufeff{"type":"ping"}', 0)) == [{"type": "pong", "ref": None}]


def test_what_was_there_before_is_marked_and_what_comes_is_not():
    session = resuming(CURSORS.write(4, 1))
    session.on_event(created(6))
    hello, *told, _ = said(session.on_rows(snapshot([item(5)], unread=1, end=5)))
    told += said(session.on_event(created(7)))
    assert [(one["item"]["offset"], one.get("replay")) for one in told] == [(5, True), (6, None), (7, None)]
    assert "replay" not in hello


def test_every_count_says_how_new_it_is():
    session = resuming(CURSORS.write(4, 90_000))
    told = said(session.on_rows(snapshot([item(6)], changed=[item(2)], unread=1, end=6, token=100_000)))[:-1]
    told += said(session.on_event(created(8)))
    told += said(session.on_event(changed(Change.READ, 6, at=200_000, unread=1, counted_to=9)))
    told += said(session.on_event(changed(Change.READ, 2, at=150_000, unread=2, counted_to=9)))  # came too late
    assert [(one["type"], one["as_of"]["offset"], one["as_of"]["at"]) for one in told] == [
        ("hello", 6, 95_000),
        ("state", 6, 95_000),
        ("notification", 6, 95_000),
        ("notification", 8, 95_000),
        ("state", 9, 200_000),
        ("state", 9, 200_000),
    ]


def test_a_change_of_a_newer_process_is_passed_on_as_the_states_that_it_holds():
    """Old never judges new: an announcement that is skipped would leave the client with what is no longer so."""
    event = InboxEvent(change="snoozed", items=(item(3, updated_at=200_000),), at=200_000, unread=4, counted_to=5)
    [told] = said(live(unread=5, end=5).on_event(Announcement(msgspec.json.encode(event))))
    assert (told["type"], told["change"], told["unread"], told["items"][0]["id"]) == ("state", "snoozed", 4, "n3")


def test_a_few_large_announcements_while_the_rows_are_read_are_loaded_again():
    session = resuming(CURSORS.write(0, 1))
    for offset in (1, 2):
        session.on_event(created(offset, body="x" * (MAX_RESUME_BYTES // 2)))
    assert session.on_rows(snapshot(end=0)) == [LoadInbox(ANN, None)]
    assert json.loads(session.on_rows(snapshot(end=2))[0].payload) == {"type": "reset", "reason": "too_many"}
