"""What clients send over a socket, from JSON: docs/sockets.md is its contract."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

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


class DeleteCommand(msgspec.Struct, frozen=True, tag="delete"):
    """Gone for good."""

    change: ClassVar[Change] = Change.DELETED
    ids: Ids
    ref: Ref = None


ChangeCommand = ReadCommand | UnreadCommand | SeenCommand | ArchiveCommand | DeleteCommand
Command = AuthCommand | PingCommand | ChangeCommand
_decoder: Final[msgspec.json.Decoder[Command]] = msgspec.json.Decoder(Command)


class NotJson(Exception):
    """The client does not speak the protocol."""


def decode_command(text: str) -> Command | str:
    """The command, or what is wrong with it. Raises NotJson."""
    try:
        command = _decoder.decode(text)
    except msgspec.ValidationError as problem:
        return str(problem)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
        raise NotJson from problem
    if isinstance(command, ReadCommand) and (command.ids is None) == (command.all is None):
        return "`read` names either `ids` or `all`"
    return command


def kind_of(command: Command) -> str:
    """The command's `type` on the wire."""
    return str(command.__struct_config__.tag)
