"""Durable or refused: the log, else the outbox, else 503."""

from __future__ import annotations

import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol

from aiokafka.errors import MessageSizeTooLargeError

from services.ingest.backlog import RouterBacklog
from services.ingest.calls import Caller
from services.ingest.core.durability import Durability
from shared.http.problems import Problem, unavailable
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import Unavailable
from shared.model.output_slices import in_slices
from shared.model.outputs import Output
from shared.process.metrics import ACCEPTED

ANSWER_SECONDS: Final = 1.9
"""After its arrival a call is answered, whatever is unavailable."""


class Intake(StrEnum):
    """How something came in."""

    NOTIFICATION = "notification"
    EVENT = "event"
    WITHDRAWAL = "withdrawal"


class RecordAcceptance(Protocol):
    """Who makes records durable."""

    async def accept(self, caller: Caller, intake: Intake, outputs: Iterable[Output], count: int) -> Durability:
        """Returns where the records are safe. Raises Problem 413 or 503."""
        ...

    def check_room(self) -> None:
        """Raises Problem 503 while more is accepted already than can be worked off."""
        ...


class Acceptance:
    """Makes records durable before their caller is answered."""

    def __init__(
        self, *, log: GroupCommit, outbox: GroupCommit, outbox_seconds: float, backlog: RouterBacklog | None = None
    ) -> None:
        """`backlog`: None, and there is always room."""
        self._backlog = backlog
        self._log = log
        self._outbox = outbox
        self._outbox_seconds = outbox_seconds

    async def accept(self, caller: Caller, intake: Intake, outputs: Iterable[Output], count: int) -> Durability:
        """Returns where the records are safe; `count` is what the metric adds. Raises Problem 413 or 503.

        `outputs` may be made while they are iterated over, and are again when that is repeated: a slice of them is held at
        a time.

        What Kafka did not acknowledge in time goes to the outbox under the same ids: readers drop the second.
        """
        if intake is not Intake.WITHDRAWAL:  # it makes room
            self.check_room()
        durability = await self._durable(caller, outputs)
        ACCEPTED.labels(intake, durability).inc(count)
        return durability

    def check_room(self) -> None:
        """As RecordAcceptance says."""
        if self._backlog is not None:
            self._backlog.check()

    async def _durable(self, caller: Caller, outputs: Iterable[Output]) -> Durability:
        try:
            await _write(self._log, outputs, time.monotonic())
        except MessageSizeTooLargeError as error:
            raise Problem(
                413, "record_too_large", "a record is larger than its topic takes", fix="Send less."
            ) from error
        except Unavailable:
            pass
        else:
            return Durability.LOG
        latest_start = caller.received_at + ANSWER_SECONDS - self._outbox_seconds
        try:
            await _write(self._outbox, outputs, min(time.monotonic(), latest_start))
        except Unavailable as error:
            raise unavailable("neither Kafka nor MongoDB took it; nothing was accepted") from error
        return Durability.OUTBOX


async def _write(commit: GroupCommit, outputs: Iterable[Output], since: float) -> None:
    """All of it within the deadline that counts from `since` (monotonic seconds)."""
    for each in in_slices(outputs):
        await commit.publish(each, since)
        del each  # before the next one is made
