"""From a claim to a result: the checks right before the send, the send, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from services.delivery.channels.sender import Sender
from services.delivery.core.attempts import DeliveryResult, Failed, Outcome, ProviderUnavailable, Rejected, decide
from services.delivery.freshness import Freshness
from services.delivery.rendering.liquid import RenderFailed
from shared.catalog.cache import Catalog
from shared.model.deliveries import Delivery, DeliveryState
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from shared.process.retries import retry_until_available

MOST_SILENT = 10_000


class AfterCrash(StrEnum):
    """What a channel does with a delivery over which a worker died, sent or not."""

    SEND_AGAIN = "send_again"
    """At least once."""
    STOP = "stop"
    """At most once: it ends as `unconfirmed`."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a channel tries again. Milliseconds."""

    retries: Sequence[int]
    probe: int


class Sending:
    """Sends one channel's deliveries and says what becomes of each."""

    def __init__(
        self, *, sender: Sender, catalog: Catalog, freshness: Freshness, schedule: Schedule, after_crash: AfterCrash
    ) -> None:
        self._sender = sender
        self._catalog = catalog
        self._freshness = freshness
        self._schedule = schedule
        self.after_crash = after_crash
        self._down_until = 0.0
        self._silent: dict[str, float] = {}
        """Until when nobody need knock at an address that did not answer (monotonic seconds)."""

    async def result(self, delivery: Delivery, *, crashed: bool, send_before: float) -> DeliveryResult | None:
        """Sends unless something speaks against it. None: the lease (monotonic seconds) is as good as over.

        `crashed`: a worker died over this delivery, sent or not. Then the channel's policy decides.
        """
        attempts, now = delivery.attempts + 1, now_ms()
        if crashed and self.after_crash is AfterCrash.STOP:
            return DeliveryResult(state=DeliveryState.UNCONFIRMED, at=now, attempts=attempts, reason=Reason.UNCONFIRMED)
        if delivery.notification.is_expired(now):
            return DeliveryResult(state=DeliveryState.EXPIRED, at=now, attempts=attempts - 1, reason=Reason.EXPIRED)
        if await self._freshness.is_stale(delivery, now):
            return DeliveryResult(
                state=DeliveryState.STALE, at=now, attempts=attempts - 1, reason=Reason.WAITED_TOO_LONG
            )
        outcome = await self._send(delivery, send_before)
        if outcome is None:
            return None
        return decide(
            outcome,
            delivery=delivery.id,
            attempts=attempts,
            now=now_ms(),
            schedule=self._schedule.retries,
            probe_ms=self._schedule.probe,
            expires_at=delivery.notification.expires_at,
        )

    async def _send(self, delivery: Delivery, send_before: float) -> Outcome | None:
        notification = delivery.notification
        place = (notification.tenant, notification.workflow, notification.version)
        if self._catalog.version(*place) is None:
            await retry_until_available()(self._catalog.fetch, [place])
        workflow = self._catalog.version(*place)
        if workflow is None:
            return Rejected(reason=Reason.UNKNOWN_WORKFLOW)
        if time.monotonic() < self._down_until:
            return ProviderUnavailable(code="known_down")
        if time.monotonic() < self._silent.get(delivery.address, 0.0):
            return ProviderUnavailable(code="endpoint_silent")
        if time.monotonic() >= send_before:
            return None
        try:
            outcome = await self._sender.send(delivery, workflow, send_before)
        except RenderFailed as error:
            return Rejected(reason=Reason.RENDER_FAILED, code=str(error))
        # Those behind it need not knock, too: the next look is when the first one comes back.
        quiet_until = time.monotonic() + self._schedule.probe / 1000 * 0.9
        if isinstance(outcome, ProviderUnavailable):
            self._down_until = quiet_until
        elif isinstance(outcome, Failed) and outcome.silent:
            if len(self._silent) >= MOST_SILENT:
                self._silent.clear()
            self._silent[delivery.address] = quiet_until
        return outcome
