"""Durable or refused: the log, else the outbox, else 503."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from aiokafka.errors import MessageSizeTooLargeError

from services.ingest.calls import Caller
from services.ingest.core.durability import Durability
from shared.http.problems import Problem, unavailable
from shared.kafka.group_commit import GroupCommit
from shared.model.errors import Unavailable
from shared.model.outputs import Output
from shared.process.metrics import ACCEPTED

ANSWER_SECONDS: Final = 1.9
"""After its arrival a call is answered, whatever is unavailable."""


class Intake(StrEnum):
    """How something came in."""

    NOTIFICATION = "notification"
    EVENT = "event"


class Acceptance:
    """Makes records durable before their caller is answered."""

    def __init__(self, *, log: GroupCommit, outbox: GroupCommit, outbox_seconds: float) -> None:
        self._log = log
        self._outbox = outbox
        self._outbox_seconds = outbox_seconds

    async def accept(self, caller: Caller, intake: Intake, outputs: Sequence[Output], count: int) -> Durability:
        """Returns where the records are safe; `count` is what the metric adds. Raises Problem 413 or 503.

        What Kafka did not acknowledge in time goes to the outbox under the same ids: readers drop the second.
        """
        durability = await self._durable(caller, outputs)
        ACCEPTED.labels(intake, durability).inc(count)
        return durability

    async def _durable(self, caller: Caller, outputs: Sequence[Output]) -> Durability:
        try:
            await self._log.publish(outputs)
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
            await self._outbox.publish(outputs, min(time.monotonic(), latest_start))
        except Unavailable as error:
            raise unavailable("neither Kafka nor MongoDB took it; nothing was accepted") from error
        return Durability.OUTBOX
