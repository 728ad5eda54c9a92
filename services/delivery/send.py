"""From a claim to a result: the checks right before the send, the send, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from services.delivery.channels.sender import Sender
from services.delivery.core.attempts import AttemptFault, Failed, LeaseTooShort, Outcome, Rejected, Sent, decide
from services.delivery.core.cool_downs import CoolDowns
from services.delivery.freshness import Freshness
from services.delivery.rendering.liquid import RenderFailed
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.ports import WorkflowCatalog
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from shared.process.metrics import ATTEMPTS, UNCONFIRMED_SENDS
from shared.process.retries import retry_until_available

COOL_DOWN_SHARE = 0.9
"""Of the time that a delivery is parked: it is over when the first parked one comes back."""


class AfterCrash(StrEnum):
    """What a channel does with a delivery of which nobody knows whether it was sent.

    A worker died over it, or no answer came after the provider may have taken it.
    """

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
        self,
        *,
        sender: Sender,
        catalog: WorkflowCatalog,
        freshness: Freshness,
        schedule: Schedule,
        after_crash: AfterCrash,
    ) -> None:
        self._sender = sender
        self._catalog = catalog
        self._freshness = freshness
        self._schedule = schedule
        self._cool_downs = CoolDowns(seconds=schedule.probe / 1000 * COOL_DOWN_SHARE)
        self.after_crash = after_crash

    async def send(self, delivery: Delivery, *, crashed: bool, send_before: float) -> DeliveryResult | LeaseTooShort:
        """Sends unless something speaks against it, and not after `send_before` (monotonic seconds).

        LeaseTooShort: nothing was sent; it waited until its lease or what was looked at is over. Claim it again.

        `crashed`: a worker died over this delivery, sent or not. Then the channel's policy decides.
        """
        attempts, now, looked_at = delivery.attempts + 1, now_ms(), time.monotonic()
        if not delivery.address:  # erased with its user before the router could repeat it
            return DeliveryResult(
                state=DeliveryState.SUPPRESSED, at=now, attempts=attempts - 1, reason=Reason.USER_DELETED
            )
        if crashed and self.after_crash is AfterCrash.STOP:
            return DeliveryResult(state=DeliveryState.UNCONFIRMED, at=now, attempts=attempts, reason=Reason.UNCONFIRMED)
        if delivery.notification.is_expired(now):
            return DeliveryResult(state=DeliveryState.EXPIRED, at=now, attempts=attempts - 1, reason=Reason.EXPIRED)
        if await self._freshness.is_stale(delivery, now):
            return DeliveryResult(
                state=DeliveryState.STALE, at=now, attempts=attempts - 1, reason=Reason.WAITED_TOO_LONG
            )
        # Whatever is waited for from here on, a connection say: past this everything above is looked at again.
        good_for_ms = self._freshness.good_until(delivery, now) - now
        outcome = await self._attempt(delivery, min(send_before, looked_at + good_for_ms / 1000))
        if isinstance(outcome, LeaseTooShort):
            return outcome
        ATTEMPTS.labels(delivery.channel, "none" if isinstance(outcome, Sent) else outcome.fault).inc()
        if isinstance(outcome, Failed) and outcome.unconfirmed:
            UNCONFIRMED_SENDS.labels(delivery.channel, self.after_crash).inc()
        return decide(
            outcome,
            delivery=delivery.id,
            attempts=attempts,
            now=now_ms(),
            schedule=self._schedule.retries,
            probe_ms=self._schedule.probe,
            expires_at=delivery.notification.expires_at,
            at_most_once=self.after_crash is AfterCrash.STOP,
        )

    async def _attempt(self, delivery: Delivery, send_before: float) -> Outcome | LeaseTooShort:
        notification = delivery.notification
        place = (notification.tenant, notification.workflow, notification.version)
        if self._catalog.version(*place) is None:
            await retry_until_available(self._catalog.fetch, [place])
        workflow = self._catalog.version(*place)
        if workflow is None:
            return Rejected(reason=Reason.UNKNOWN_WORKFLOW, fault=AttemptFault.US)
        waiting = self._cool_downs.reason_to_wait(delivery.address, time.monotonic())
        if waiting is not None:
            return waiting
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        try:
            outcome = await self._sender.send(delivery, workflow, send_before)
        except RenderFailed as error:
            return Rejected(reason=Reason.RENDER_FAILED, code=str(error), fault=AttemptFault.MESSAGE)
        if not isinstance(outcome, LeaseTooShort):
            self._cool_downs.note(outcome, delivery.address, time.monotonic())
        return outcome
