"""What a client says over a socket, and what waits for its answer."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Final, Generic, TypeVar

from carillon.arguments import listed
from carillon.errors import UnreachableError
from carillon.json_values import encode
from carillon.sockets.events import CommandAcknowledged, CommandRejected
from carillon.timestamps import milliseconds

MAX_IDS: Final = 100
MAX_FRAME_BYTES: Final = 65_536
COMMANDS_PER_SECOND: Final = 15.0
COMMAND_BURST: Final = 60
"""Less than the gateway takes (20 and 100): beyond that it ends the connection."""
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, kw_only=True)
class InboxCommand:
    """A change of the inbox. `repeatable`: sent twice it does no more than once, whatever happened in between."""

    kind: str
    fields: dict[str, Any]
    repeatable: bool = True


class InboxCommands(ABC, Generic[AnswerT]):
    """Each takes up to 100 ids and returns how many items were found, when the change is durable.

    They are repeated after a lost connection, but for `read_all`. Raises CommandRejectedError when the gateway
    rejects it, UnreachableError when it was not acknowledged in time (it may have been done), and ValueError or
    TypeError, before anything is sent, for too many ids, none, or one that is not in a list.
    """

    def read(self, ids: Sequence[str]) -> AnswerT:
        """Read, and seen."""
        return self._change("read", ids)

    def read_all(self, notification_type: str | None = None) -> AnswerT:
        """All items, or all of a type; returns how many became read.

        Sent once: what came since would be read as well. UnreachableError then says that it may have been done.
        """
        of_type = {} if notification_type is None else {"notification_type": notification_type}
        return self._command(InboxCommand(kind="read", fields={"all": True} | of_type, repeatable=False))

    def unread(self, ids: Sequence[str]) -> AnswerT:
        """Not read after all."""
        return self._change("unread", ids)

    def seen(self, ids: Sequence[str]) -> AnswerT:
        """Shown, not opened."""
        return self._change("seen", ids)

    def archive(self, ids: Sequence[str]) -> AnswerT:
        """Out of the list and the count."""
        return self._change("archive", ids)

    def unarchive(self, ids: Sequence[str]) -> AnswerT:
        """Back into the list, and into the count unless it was read."""
        return self._change("unarchive", ids)

    def snooze(self, ids: Sequence[str], until: datetime) -> AnswerT:
        """Out of the list and the count until then, at most 366 days; back unread and unseen."""
        return self._change("snooze", ids, until=milliseconds(until))

    def unsnooze(self, ids: Sequence[str]) -> AnswerT:
        """Back at once."""
        return self._change("unsnooze", ids)

    def delete(self, ids: Sequence[str]) -> AnswerT:
        """Gone."""
        return self._change("delete", ids)

    def _change(self, kind: str, ids: Sequence[str], **more: int) -> AnswerT:
        given = listed("ids", ids)
        if not 1 <= len(given) <= MAX_IDS:
            raise ValueError(f"{kind} takes 1 to {MAX_IDS} ids, not {len(given)}; call it once for each {MAX_IDS}")
        return self._command(InboxCommand(kind=kind, fields={"ids": given} | more))

    @abstractmethod
    def _command(self, command: InboxCommand) -> AnswerT:
        """Gives it to the gateway."""


@dataclass(eq=False, kw_only=True)
class PendingCommand:
    """A command that waits for its answer."""

    command: InboxCommand
    frame: str
    answer: asyncio.Future[CommandAcknowledged | CommandRejected] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    sent: bool = False
    """On the connection that there is."""


class PendingCommands:
    """In the order in which they were given, which is also that of their repeats."""

    def __init__(self) -> None:
        self._refs = count(1)
        self._pending: dict[str, PendingCommand] = {}
        self._unsent: deque[PendingCommand] = deque()
        self._given = asyncio.Event()
        self._error: BaseException | None = None

    async def ask(self, command: InboxCommand) -> CommandAcknowledged | CommandRejected:
        """Returns the answer. Raises UnreachableError when a command that is not repeatable was sent and lost."""
        if self._error is not None:
            raise self._error
        ref = str(next(self._refs))
        frame = encode({"type": command.kind, "ref": ref, **command.fields})
        if len(frame) > MAX_FRAME_BYTES:
            raise ValueError(f"{command.kind} has {len(frame)} bytes, a message at most {MAX_FRAME_BYTES}")
        self._pending[ref] = pending = PendingCommand(command=command, frame=frame.decode())
        self._unsent.append(pending)
        self._given.set()
        try:
            return await pending.answer
        finally:
            del self._pending[ref]

    async def next_unsent(self) -> PendingCommand:
        """The first that was not sent on this connection; it counts as sent from now."""
        while True:
            while self._unsent:
                pending = self._unsent.popleft()
                if not pending.answer.done():
                    pending.sent = True
                    return pending
            self._given.clear()
            await self._given.wait()

    def answered(self, answer: CommandAcknowledged | CommandRejected) -> None:
        """An answer came; one that nobody waits for is left."""
        pending = self._pending.get(answer.ref or "")
        if pending is not None and not pending.answer.done():
            pending.answer.set_result(answer)

    def disconnected(self) -> None:
        """The connection ended: what may be repeated is sent on the next one."""
        self._unsent.clear()
        for pending in self._pending.values():
            if pending.sent and not pending.command.repeatable:
                _fail(pending, UnreachableError("the connection was lost before the answer: it may have been done"))
            else:
                pending.sent = False
                self._unsent.append(pending)

    def fail(self, error: BaseException) -> None:
        """Nothing is sent any more."""
        self._error = self._error or error
        for pending in self._pending.values():
            _fail(pending, error)


class CommandPace:
    """A token bucket of one connection."""

    def __init__(self, now: float) -> None:
        self._left = float(COMMAND_BURST)
        self._at = now

    def delay(self, now: float) -> float:
        """Takes one for what was sent; returns how many seconds to wait before the next."""
        self._left = min(COMMAND_BURST, self._left + (now - self._at) * COMMANDS_PER_SECOND) - 1
        self._at = now
        return max(0.0, -self._left / COMMANDS_PER_SECOND)


def _fail(pending: PendingCommand, error: BaseException) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(error)
