"""Messages of a gateway as docs/sockets.md has them, and what becomes of them. The gateway's own: tests/integration."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest

from carillon import Changed, Hello, Live, Notified, Reset
from carillon.sockets.commands import (
    COMMAND_BURST,
    COMMANDS_PER_SECOND,
    MAX_FRAME_BYTES,
    MAX_IDS,
    CommandPace,
    InboxCommands,
)
from carillon.sockets.events import (
    CommandAcknowledged,
    CommandRejected,
    InboxCounts,
    ReturnLater,
    TokenExpiring,
    read_message,
)
from services.gateway.core import limits
from services.gateway.live.core import commands

ITEM = {
    "id": "i1",
    "workflow": "chat.new",
    "type": "new",
    "offset": 7,
    "title": "t",
    "body": "b",
    "url": "https://u",
    "data": {"a": [1]},
    "actor": {"name": "bob"},
    "created_at": 5,
    "digest_count": 2,
    "seen_at": 6,
}
COUNTS = InboxCounts(unread=3, unseen=4, as_of=(7, 9))
COUNTED = {"unread": 3, "unseen": 4, "as_of": {"offset": 7, "at": 9}, "cursor": "c1"}


def read(kind: str, **fields):
    return read_message(json.dumps({"type": kind, **fields, "unknown": [1]}))


def test_hello():
    assert read("hello", user="u", session="s", **COUNTED) == Hello(cursor="c1", counts=COUNTS, user="u", session="s")
    older = read("hello", user="u", unread=3, as_of={"offset": -1, "at": 9}, cursor="c1")
    assert (older.session, older.counts.unseen, older.counts.as_of) == (None, None, (-1, 9))


def test_a_notification():
    told = read("notification", item=ITEM, **COUNTED)
    assert isinstance(told, Notified)
    assert (told.counts, told.cursor, told.replay) == (COUNTS, "c1", False)
    item = told.item
    assert (item.id, item.workflow, item.type, item.offset, item.created_at) == ("i1", "chat.new", "new", 7, 5)
    assert (item.title, item.body, item.url, item.data, item.actor) == (
        "t",
        "b",
        "https://u",
        {"a": [1]},
        {"name": "bob"},
    )
    assert (item.seen_at, item.read_at, item.archived_at) == (6, None, None)
    assert (item.snoozed_until, item.expires_at) == (None, None)
    assert item.document["digest_count"] == 2
    late = read("notification", item=ITEM | {"snoozed_until": 11, "expires_at": 12}, **COUNTED)
    assert isinstance(late, Notified)
    assert (late.item.snoozed_until, late.item.expires_at) == (11, 12)
    assert read("notification", item=ITEM, replay=True, **COUNTED).replay


def test_a_state():
    told = read(
        "state",
        change="sync",
        items=[{"id": "i1", "deleted_at": 8, "updated_at": 9, "snoozed_until": 7}] * 2,
        **COUNTED,
    )
    assert isinstance(told, Changed)
    assert (told.change, told.counts, told.cursor) == ("sync", COUNTS, "c1")
    assert [(item.id, item.read_at, item.deleted_at, item.updated_at, item.snoozed_until) for item in told.items] == [
        ("i1", None, 8, 9, 7)
    ] * 2


def test_the_short_ones():
    assert read("reset", reason="newer") == Reset(reason="newer")
    assert read("live", cursor="c2") == Live(cursor="c2")
    assert read("ok", ref="5", updated=2, **{"for": "read"}) == CommandAcknowledged(ref="5", updated=2)
    assert read("ok", ref=None, **{"for": "auth"}) == CommandAcknowledged(ref=None, updated=0)
    assert read("error", code="c", detail="d", ref="5") == CommandRejected(ref="5", code="c", detail="d")
    assert read("token_expiring", seconds=30) == TokenExpiring(seconds=30)
    assert read("reconnect", after_ms=1500) == ReturnLater(seconds=1.5)
    assert read("pong", ref="5") is None


def test_counts_are_ordered_as_docs_sockets_says():
    older, newer = dataclasses.replace(COUNTS, as_of=(7, 10)), dataclasses.replace(COUNTS, as_of=(8, 1))
    assert older.as_of < newer.as_of


def test_events_are_frozen():
    told = Hello(cursor="c", counts=COUNTS, user="u", session=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.cursor = "d"  # type: ignore[misc]  # as its reader would try


def test_the_gateway_knows_every_command():
    kinds = {name for name, _ in inspect.getmembers(InboxCommands, inspect.isfunction) if not name.startswith("_")}
    for kind in kinds - {"read_all"}:
        until = ',"until":5' if kind == "snooze" else ""
        decoded = commands.decode_command(f'{{"type":"{kind}","ids":["i1"],"ref":"1"{until}}}')
        assert isinstance(decoded, commands.ChangeCommand), decoded
    assert len(kinds) == 9


def test_the_client_keeps_within_the_gateways_limits():
    assert COMMANDS_PER_SECOND < limits.MESSAGES_PER_SECOND
    assert COMMAND_BURST < limits.MESSAGE_BURST
    assert (MAX_IDS, MAX_FRAME_BYTES) == (limits.MAX_COMMAND_IDS, limits.MAX_MESSAGE_BYTES)


def test_commands_go_at_once_until_the_burst_is_used_up():
    pace = CommandPace(0.0)
    assert {pace.delay(0.0) for _ in range(COMMAND_BURST)} == {0.0}
    assert pace.delay(0.0) == pytest.approx(1 / COMMANDS_PER_SECOND)
    assert pace.delay(10.0) == 0.0
