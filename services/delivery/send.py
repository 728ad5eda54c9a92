"""From a claim to a result: the checks right before the send, the send, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from services.delivery.breaker import Breaker
from services.delivery.channels.sender import Sender
from services.delivery.core.attempts import (
    AttemptFault,
    Failed,
    LeaseTooShort,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
    decide,
)
from services.delivery.core.shares import wait_for_share_ms
from services.delivery.freshness import Freshness
from services.delivery.rendering.liquid import RenderFailed
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState
from shared.model.ports import WorkflowCatalog
from shared.model.provider_accounts import Passage
from shared.model.reasons import Reason
from shared.process.clock import now_ms
from shared.process.metrics import ATTEMPTS, UNCONFIRMED_SENDS
from shared.process.retries import retry_until_available

REFUSED: Final[dict[Passage, Outcome]] = {
    Passage.PARKED: ProviderUnavailable(code="parked"),
    Passage.GONE: Rejected(reason=Reason.ENDPOINT_GONE, code="gone"),
    Passage.DISABLED: Rejected(reason=Reason.ENDPOINT_DISABLED),
}


class AfterCrash(StrEnum):
    """What a channel does with a delivery of which nobody knows whether it was sent.

    A worker died over it, or no answer came after the provider may have taken it.
    """

    SEND_AGAIN = "send_again"
    """At least once."""
    STOP = "stop"
    """At most once: it ends as `unconfirmed`."""


class Sending:
    """Sends one channel's deliveries and says what becomes of each."""

    def __init__(
        self,
        *,
        sender: Sender,
        catalog: WorkflowCatalog,
        freshness: Freshness,
        breaker: Breaker,
        retries: Sequence[int],
        after_crash: AfterCrash,
    ) -> None:
        self._sender = sender
        self._catalog = catalog
        self._freshness = freshness
        self.breaker = breaker
        self._retries = retries
        self.after_crash = after_crash

    async def send(self, delivery: Delivery, *, crashed: bool, send_before: float) -> DeliveryResult | LeaseTooShort:
        """Sends unless something speaks against it, and not after `send_before` (monotonic seconds).

        LeaseTooShort: nothing was sent; it waited until its lease or what was looked at is over. Claim it again.

        `crashed`: a worker died over this delivery, sent or not. Then the channel's policy decides.
        """
        attempts, now, looked_at = delivery.attempts + 1, now_ms(), time.monotonic()
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
        result = decide(
            outcome,
            delivery=delivery.id,
            attempts=attempts,
            now=now_ms(),
            schedule=self._retries,
            expires_at=delivery.notification.expires_at,
            at_most_once=self.after_crash is AfterCrash.STOP,
        )
        if result.state is DeliveryState.PARKED:
            return msgspec.structs.replace(result, account=self.breaker.account(delivery))
        return result

    def give_way(self, delivery: Delivery, *, crashed: bool) -> DeliveryResult:
        """The result of one that is over its share of the lane: it is left alone for a while, no attempt is used up."""
        attempts, now = delivery.attempts, now_ms()
        if crashed and self.after_crash is AfterCrash.STOP:
            return DeliveryResult(
                state=DeliveryState.UNCONFIRMED, at=now, attempts=attempts + 1, reason=Reason.UNCONFIRMED
            )
        due = min(now + wait_for_share_ms(delivery.id, delivery.pass_), delivery.notification.expires_at)
        return DeliveryResult(state=DeliveryState.PARKED, at=now, attempts=attempts, reason=Reason.OVER_SHARE, due=due)

    async def _attempt(self, delivery: Delivery, send_before: float) -> Outcome | LeaseTooShort:
        notification = delivery.notification
        place = (notification.tenant, notification.workflow, notification.version)
        if self._catalog.version(*place) is None:
            await retry_until_available(self._catalog.fetch, [place])
        workflow = self._catalog.version(*place)
        if workflow is None:
            return Rejected(reason=Reason.UNKNOWN_WORKFLOW, fault=AttemptFault.US)
        account = self.breaker.account(delivery)
        admission = await self.breaker.admit(delivery, account)
        if admission in REFUSED:
            return REFUSED[admission]
        if time.monotonic() >= send_before:
            return LeaseTooShort()
        try:
            outcome = await self._sender.send(delivery, workflow, send_before)
        except RenderFailed as error:
            return Rejected(reason=Reason.RENDER_FAILED, code=str(error), fault=AttemptFault.MESSAGE)
        if isinstance(outcome, LeaseTooShort):
            return outcome
        return await self.breaker.note(delivery, account, admission, outcome)
