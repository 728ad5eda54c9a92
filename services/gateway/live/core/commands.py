"""What clients send over a socket, from JSON: docs/sockets.md is its contract."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args

import msgspec

from services.gateway.core.limits import MAX_COMMAND_IDS, MAX_REF_CHARACTERS
from shared.model.inbox import Change

Ref = Annotated[str, msgspec.Meta(max_length=MAX_REF_CHARACTERS)] | None
Ids = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(min_length=1, max_length=MAX_COMMAND_IDS)
]


class AuthCommand(msgspec.Struct, frozen=True, tag="auth"):
    """Who the client is, and how far it has seen."""

    token: str
    cursor: str | None = None
    ref: Ref = None


class PingCommand(msgspec.Struct, frozen=True, tag="ping"):
    """For clients that cannot send WebSocket pings."""

    ref: Ref = None


class ReadCommand(msgspec.Struct, frozen=True, tag="read"):
    """Items by id, or with `all` every unread one (of one type)."""

    change: ClassVar[Change] = Change.READ
    ids: Ids | None = None
    all: Literal[True] | None = None
    notification_type: str | None = None
    ref: Ref = None


class UnreadCommand(msgspec.Struct, frozen=True, tag="unread"):
    """Back to unread."""

    change: ClassVar[Change] = Change.UNREAD
    ids: Ids
    ref: Ref = None


class SeenCommand(msgspec.Struct, frozen=True, tag="seen"):
    """Shown to the user, not opened yet."""

    change: ClassVar[Change] = Change.SEEN
    ids: Ids
    ref: Ref = None


class ArchiveCommand(msgspec.Struct, frozen=True, tag="archive"):
    """Out of the list and the count."""

    change: ClassVar[Change] = Change.ARCHIVED
    ids: Ids
    ref: Ref = None


class UnarchiveCommand(msgspec.Struct, frozen=True, tag="unarchive"):
    """Back into the list, and into the count unless it was read."""

    change: ClassVar[Change] = Change.UNARCHIVED
    ids: Ids
    ref: Ref = None


class SnoozeCommand(msgspec.Struct, frozen=True, tag="snooze"):
    """Out of the list and the count until then, in milliseconds since the epoch; back unread and unseen."""

    change: ClassVar[Change] = Change.SNOOZED
    ids: Ids
    until: int
    ref: Ref = None


class UnsnoozeCommand(msgspec.Struct, frozen=True, tag="unsnooze"):
    """Back at once."""

    change: ClassVar[Change] = Change.UNSNOOZED
    ids: Ids
    ref: Ref = None


class DeleteCommand(msgspec.Struct, frozen=True, tag="delete"):
    """Gone for good."""

    change: ClassVar[Change] = Change.DELETED
    ids: Ids
    ref: Ref = None


class ListCommand(msgspec.Struct, frozen=True):
    """What is unread, a page from `offset` on. Only dialects have it: clients of `carillon.v1` read pages by HTTP."""

    offset: int = 0


ChangeCommand = (
    ReadCommand
    | UnreadCommand
    | SeenCommand
    | ArchiveCommand
    | UnarchiveCommand
    | SnoozeCommand
    | UnsnoozeCommand
    | DeleteCommand
)
Command = AuthCommand | PingCommand | ChangeCommand
_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)
_COMMANDS: Final = (AuthCommand, PingCommand, *get_args(ChangeCommand))
_TYPES: Final = tuple(str(command.__struct_config__.tag) for command in _COMMANDS)
_BYTE_ORDER_MARK: Final = "\ufeff"


class _Typed(msgspec.Struct):
    type: str
    ref: Any = None


class BadCommand(NamedTuple):
    """JSON that is no command: what is wrong with it, and the `ref` that the answer repeats."""

    detail: str
    ref: str | None = None


class NotJson(Exception):
    """The client does not speak the protocol."""


def decode_command(frame: str | bytes) -> Command | BadCommand:
    """The command, or what is wrong with it. Raises NotJson, also for a binary frame."""
    if isinstance(frame, bytes):
        raise NotJson
    text = frame.removeprefix(_BYTE_ORDER_MARK)
    try:
        command = _decoder.decode(text)
    except msgspec.ValidationError as problem:
        return _explain(text, problem)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise NotJson from problem
    if isinstance(command, ReadCommand) and (command.ids is None) == (command.all is None):
        return BadCommand("`read` names either `ids` or `all`", command.ref)
    return command


def _explain(text: str, problem: msgspec.ValidationError) -> BadCommand:
    """What is wrong, and what would be right. Raises NotJson: what was read first may stand before what is no JSON."""
    try:
        typed = msgspec.json.decode(text, type=_Typed)
    except msgspec.ValidationError:
        return BadCommand(f"a message is an object with a `type`: one of {', '.join(_TYPES)}")
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotJson from error
    ref = typed.ref if isinstance(typed.ref, str) and len(typed.ref) <= MAX_REF_CHARACTERS else None
    return BadCommand(_what_is_wrong(typed.type, problem), ref)


def _what_is_wrong(kind: str, problem: msgspec.ValidationError) -> str:
    if kind in _TYPES:
        return f"{kind}: {problem}"
    meant = get_close_matches(kind[:MAX_REF_CHARACTERS], _TYPES, 1)
    hint = f"; did you mean {meant[0]!r}?" if meant else "."
    return f"unknown type {kind[:MAX_REF_CHARACTERS]!r}{hint} The types are {', '.join(_TYPES)}"


def kind_of(command: Command) -> str:
    """The command's `type` on the wire."""
    return str(command.__struct_config__.tag)
