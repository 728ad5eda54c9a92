"""The booking service's Socket.IO events, as a facilitator's page hears and sends them. Contract: docs/socketio.md.

A frame is an event: `["facilitator_connect", {"facilitator_id": 2, "token": "…"}]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from services.gateway.core.limits import MAX_OFFSET
from services.gateway.dialects.core.booking_item import booking, name_of
from services.gateway.dialects.core.session_messages import SessionItem, SessionMessage, read
from services.gateway.live.core.commands import AuthCommand, BadCommand, Command, ListCommand, NotJson, ReadCommand
from services.gateway.live.core.messages import CloseCode
from shared.model.inbox import Change, InboxItem

_encoder: Final = msgspec.json.Encoder()
NEW_BOOKING: Final = "new_booking"
"""The type of the items that the document knows."""
MAX_NAME_CHARACTERS: Final = 64
FacilitatorId = int | str


class _Connect(msgspec.Struct, frozen=True):
    facilitator_id: FacilitatorId
    token: str = ""
    cursor: str | None = None


class _Pending(msgspec.Struct, frozen=True):
    offset: int = 0


class _Mark(msgspec.Struct, frozen=True):
    notification_id: int | str


_OTHERS: Final[dict[str, tuple[str, Callable[[SessionMessage], dict[str, object]]]]] = {
    "live": ("live", lambda said: {"cursor": said.cursor}),
    "reset": ("reset", lambda said: {"reason": said.reason}),
    "error": ("error", lambda said: {"error": said.detail, "code": said.code}),
    "token_expiring": ("token_expiring", lambda said: {"seconds": said.seconds}),
    "reconnect": ("server_restart", lambda said: {"after_ms": said.after_ms}),
}
"""Events of ours, of what the document has no word for."""
_ARGUMENTS: Final = {
    "facilitator_connect": _Connect,
    "get_pending_notifications": _Pending,
    "mark_notification_read": _Mark,
}


class Facilitator:
    """The dialect of one client. It remembers who the client says that it is, until the session knows."""

    def __init__(self) -> None:
        self.claims: FacilitatorId | None = None
        """The `facilitator_id` of its last `facilitator_connect`."""

    def decode(self, frame: str | bytes) -> Command | ListCommand | BadCommand:
        """As Dialect says."""
        try:
            name, *arguments = msgspec.json.decode(frame, type=list[Any])
            kind = _ARGUMENTS.get(name)
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as problem:
            raise NotJson from problem
        if kind is None:
            known = ", ".join(_ARGUMENTS)
            return BadCommand(f"unknown event {str(name)[:MAX_NAME_CHARACTERS]!r}; the events are {known}")
        try:
            command = msgspec.convert(arguments[0] if arguments else {}, type=kind)
        except msgspec.ValidationError as problem:
            return BadCommand(f"{name}: {problem}")
        match command:
            case _Connect():
                self.claims = command.facilitator_id
                return AuthCommand(token=command.token, cursor=command.cursor)
            case _Pending():
                return ListCommand(max(0, min(command.offset, MAX_OFFSET)))
            case _:
                wanted = str(command.notification_id)[:MAX_NAME_CHARACTERS]
                return ReadCommand(ids=(wanted,), ref=wanted)

    def encode(self, message: bytes) -> Sequence[bytes]:
        """As Dialect says."""
        said = read(message)
        match said.type:
            case "notification" if said.item is not None:
                name = "new_booking_notification" if said.item.kind == NEW_BOOKING else "new_notification"
                more = {"cursor": said.cursor, "unread_count": said.unread}
                return [event(name, booking(said.item) | more)]
            case "state":
                return list(self._changes(said))
            case "hello":
                return [self._welcome(said)]
            case "ok":
                return self._answers(said)
            case _:
                return _other(said)

    def pending(self, items: Iterable[InboxItem], total: int) -> bytes:
        """The answer to `get_pending_notifications`; `total` is how many there are on all pages."""
        shown = [booking(msgspec.convert(item, SessionItem, from_attributes=True)) for item in items]
        return event("pending_notifications", {"notifications": shown, "count": len(shown), "total": total})

    def ending(self, code: int, reason: str) -> bytes:
        """What is said before the session's end."""
        if code in {CloseCode.UNAUTHORIZED, CloseCode.AUTH_TIMEOUT}:
            return event("auth_error", {"error": reason})
        return event("error", {"error": reason, "code": code})

    def _welcome(self, said: SessionMessage) -> bytes:
        more = {"cursor": said.cursor, "unread_count": said.unread} if said.type == "hello" else {}
        return event("facilitator_auth_success", {"facilitator_id": self.claims or said.user, **more})

    def _answers(self, said: SessionMessage) -> Sequence[bytes]:
        """What was read is told to all devices by its state; this one is told only what was not found."""
        if said.kind == "auth":
            return [self._welcome(said)]
        missing = {"error": "no such notification", "notification_id": said.ref}
        return [] if said.updated else [event("error", missing)]

    def _changes(self, said: SessionMessage) -> Iterable[bytes]:
        """One event for each item; only the last one has the cursor, so that none of them is skipped."""
        last = len(said.items) - 1
        for position, item in enumerate(said.items):
            about: dict[str, object] = {"notification_id": name_of(item.id), "unread_count": said.unread}
            if position == last:
                about["cursor"] = said.cursor
            if said.change == Change.READ or (said.change == "sync" and item.read_at is not None and not item.removed):
                yield event("notification_marked_read", about)
            else:
                yield event("notification_changed", about | {"read": item.read_at is not None, "removed": item.removed})


def _other(said: SessionMessage) -> Sequence[bytes]:
    if said.type not in _OTHERS:
        return []
    name, data = _OTHERS[said.type]
    return [event(name, data(said))]


def event(name: str, data: object) -> bytes:
    """An event as Socket.IO writes it (protocol 5): `2["name",data]`."""
    return b"2" + _encoder.encode([name, data])
