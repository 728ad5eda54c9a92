"""Dead letters as an operator meets them: a count by reason, and one line a minute for each reason."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import structlog

from shared.model.channels import Channel
from shared.model.deliveries import Delivery, DeliveryResult
from shared.model.topics import Topics
from shared.process.metrics import DEAD_LETTERS

EVERY_SECONDS: Final = 60.0
log = structlog.get_logger()


@dataclass(slots=True)
class _Told:
    next_at: float = 0.0
    untold: int = 0


class DeadLetterNotices:
    """One channel's. A thousand dead letters for one reason are one line, and what came since with the next one."""

    def __init__(self, channel: Channel, topics: Topics) -> None:
        self._channel = channel
        self._topic = topics.deliveries_dlq(channel)
        self._told: dict[str, _Told] = {}

    def note(self, delivery: Delivery, result: DeliveryResult) -> None:
        """`delivery` has become a dead letter."""
        reason, now = str(result.reason), time.monotonic()
        DEAD_LETTERS.labels(self._topic, reason).inc()
        told = self._told.setdefault(reason, _Told())
        told.untold += 1
        if now < told.next_at:
            return
        log.warning(
            "dead_letter",
            channel=self._channel,
            reason=reason,
            code=result.code,
            count=told.untold,
            tenant=delivery.notification.tenant,
            notification=delivery.notification.id,
            delivery=delivery.id,
            next=f"carillon why {delivery.notification.id}",
        )
        told.next_at, told.untold = now + EVERY_SECONDS, 0
