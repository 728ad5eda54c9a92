"""What the gateway's unit tests share: items, events, a session that is live, its messages decoded."""

from __future__ import annotations

import json

from services.gateway.live.core.actions import Action, CloseConnection, InboxSnapshot, SendFrame
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.messages import CloseCode
from services.gateway.live.core.session import Session
from shared.model.inbox import Change, InboxEvent, InboxItem, encode
from shared.model.users import User

ANN = User(tenant="default", id="ann", expires_at=1e12)
EPOCH = "0123abcd"


def item(offset: int, **fields) -> InboxItem:
    return InboxItem(id=f"n{offset}", workflow="chat.new_message", offset=offset, created_at=1_000, **fields)


def new_item(offset: int, **fields) -> bytes:
    """The event of a new item, as it is on the log."""
    return encode(InboxEvent(change=Change.CREATED, items=(item(offset, **fields),), at=1_000))


def created(offset: int, **fields) -> Announcement:
    return Announcement(new_item(offset, **fields))


def changed(
    change: Change, offset: int, *, at: int, unread: int, counted_to: int | None = None, unseen: int | None = None
) -> Announcement:
    items = (item(offset, read_at=at, updated_at=at),)
    event = InboxEvent(change=change, items=items, at=at, unread=unread, counted_to=counted_to, unseen=unseen)
    return Announcement(encode(event))


def snapshot(rows=(), *, changed=(), unread=0, unseen=0, end=-1, token=100_000, too_many=False) -> InboxSnapshot:
    return InboxSnapshot(
        rows=tuple(rows), changed=tuple(changed), unread=unread, end=end, token=token, too_many=too_many, unseen=unseen
    )


def resuming(cursor: str | None = None) -> Session:
    session = Session(EPOCH)
    session.on_open("t", cursor)
    session.on_user(ANN)
    return session


def live(**of_snapshot) -> Session:
    session = Session(EPOCH)
    session.on_open(None, None)
    session.on_user(ANN)
    session.on_rows(snapshot(**of_snapshot))
    return session


def said(actions: list[Action]) -> list[dict]:
    return [json.loads(action.payload) for action in actions if isinstance(action, SendFrame)]


def close_code(actions: list[Action]) -> CloseCode | None:
    return next((action.code for action in actions if isinstance(action, CloseConnection)), None)
