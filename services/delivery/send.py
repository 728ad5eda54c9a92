"""From a claim to a result: the checks right before the send, the send, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from services.delivery.all_effects import all_effects
from services.delivery.breaker import Breaker
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import Failed, LeaseTooShort, Outcome, ProviderUnavailable, decide
from services.delivery.core.cell_rates import Turn
from services.delivery.core.effects import DeliveryEffects, derive_effects
from services.delivery.core.failure_events import HOUR_MS, FailureEvent, failure_of
from services.delivery.core.shares import wait_for_share_ms
from services.delivery.failover import attempt
from services.delivery.freshness import Freshness
from services.delivery.rates import Rates
from services.delivery.staging import simulate, staged
from services.delivery.tenants import TenantTexts
from shared.model.attempts import newest
from shared.model.deliveries import Delivery, DeliveryResult, DeliveryState, ReceivedDelivery
from shared.model.formats import NewerFormat
from shared.model.ports import WorkflowCatalog
from shared.model.reasons import Reason
from shared.model.staging import SendMode
from shared.model.topics import Topics
from shared.model.workflows import OutagePolicy, Workflow
from shared.process.clock import now_ms
from shared.process.metrics import UNCONFIRMED_SENDS
from shared.process.retries import retry_until_available


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
        catalog: WorkflowCatalog,
        freshness: Freshness,
        breaker: Breaker,
        retries: Sequence[int],
        after_crash: AfterCrash,
        rates: Rates,
        tenants: TenantTexts | None = None,
    ) -> None:
        """`tenants`: what the sender's texts see of them, if anything."""
        self._rates = rates
        self._told: set[tuple[str, bool, int]] = set()
        self._catalog = catalog
        self._freshness = freshness
        self.breaker = breaker
        self._retries = retries
        self._tenants = tenants
        self.after_crash = after_crash

    async def look_up(self, received: ReceivedDelivery) -> None:
        """Makes the workflow's version and the tenant known here. Raises NewerFormat for what is not readable."""
        about = received.delivery.notification
        place = (about.tenant, about.workflow, about.version)
        try:
            if self._catalog.version(*place) is None:
                await retry_until_available(self._catalog.fetch, [place])
                self._catalog.version(*place)
            if self._tenants is not None:
                await self._tenants.of(about.tenant)
        except NewerFormat as newer:
            raise newer.of(received.record.coordinates) from None

    def effects(self, topics: Topics, received: ReceivedDelivery, result: DeliveryResult) -> DeliveryEffects:
        """All that follows a result."""
        if failure_of(received.delivery, result) is FailureEvent.PROVIDER_DOWN and not self._is_news(received, result):
            return derive_effects(topics, received, result)
        return all_effects(topics, received, result, self._catalog)

    def _is_news(self, received: ReceivedDelivery, result: DeliveryResult) -> bool:
        """Whether the tenant has not been told this hour; the event would be the same, and there may be thousands."""
        hour = result.at // HOUR_MS
        place = received.delivery.notification.tenant, received.delivery.notification.test, hour
        if place in self._told:
            return False
        self._told = {one for one in self._told if one[2] == hour} | {place}
        return True

    async def to(self, delivery: Delivery) -> Delivery:
        """The delivery as it goes out: a test may go to another address."""
        return (await staged(self._tenants, delivery))[1]

    async def turn(self, delivery: Delivery, now: int) -> Turn:
        """Its turn by the rate limits; a test that leaves nobody takes none."""
        mode, to = await staged(self._tenants, delivery)
        return Turn(now) if mode is SendMode.SIMULATED else self._rates.turn(to, now)

    async def answers(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Which of them an account takes now."""
        return await self.breaker.answers([await self.to(each) for each in deliveries])

    async def send(
        self, delivery: Delivery, asked: AskedAccounts, *, crashed: bool, send_before: float
    ) -> DeliveryResult | LeaseTooShort:
        """Sends unless something speaks against it, and not after `send_before` (monotonic seconds).

        LeaseTooShort: nothing was sent; it waited until its lease or what was looked at is over. Claim it again.

        `asked` gets whom it asked. `crashed`: a worker died over this delivery, sent or not. Then the channel's policy decides.
        """
        mode, to = await staged(self._tenants, delivery)
        attempts, now, looked_at = delivery.attempts + 1, now_ms(), time.monotonic()
        ended = await self._ended(delivery, now, crashed=crashed)
        if ended is not None:
            await self.breaker.leave(to)
            return ended
        # Whatever is waited for from here on, a connection say: past this everything above is looked at again.
        good_for_ms = self._freshness.good_until(delivery, now) - now
        if mode is SendMode.SIMULATED:
            outcome: Outcome | LeaseTooShort = await simulate(self.breaker, delivery, await self._workflow(delivery))
        else:
            outcome = await self._attempt(to, min(send_before, looked_at + good_for_ms / 1000), asked)
        if isinstance(outcome, LeaseTooShort):
            return outcome
        result = decide(
            outcome,
            delivery=delivery.id,
            attempts=attempts,
            now=now_ms(),
            schedule=self._retries,
            expires_at=delivery.notification.expires_at,
            fallback_at=delivery.fallback_at,
            at_most_once=self.after_crash is AfterCrash.STOP,
            max_retries=await self._max_retries(delivery),
        )
        account = self.breaker.waits_for(to) if result.state is DeliveryState.PARKED else None
        as_test = None if mode is SendMode.LIVE else mode
        return msgspec.structs.replace(result, account=account, log=newest(asked.log), mode=as_test)

    async def give_way(self, delivery: Delivery, *, crashed: bool, turn: Turn | None = None) -> DeliveryResult:
        """The result of one that is over its share of the lane: it is left alone for a while, no attempt is used up.

        `turn`: over a rate limit, until then.
        """
        now = now_ms()
        await self.breaker.leave(await self.to(delivery))
        if crashed and self.after_crash is AfterCrash.STOP:
            return _unconfirmed(delivery, now)
        reason = Reason.OVER_SHARE if turn is None else Reason.RATE_LIMITED
        due = now + wait_for_share_ms(delivery.id, delivery.pass_) if turn is None else turn.at
        return DeliveryResult(
            state=DeliveryState.PARKED,
            at=now,
            attempts=delivery.attempts,
            reason=reason,
            due=min(due, delivery.notification.expires_at),
            turns=0 if turn is None else turn.scopes,
            format=reason.since,
        )

    async def _ended(self, delivery: Delivery, now: int, *, crashed: bool) -> DeliveryResult | None:
        """What ends it before it is sent; None: nothing."""
        attempts = delivery.attempts
        if not delivery.address:  # erased with its user before the router could repeat it
            return DeliveryResult(state=DeliveryState.SUPPRESSED, at=now, attempts=attempts, reason=Reason.USER_DELETED)
        if crashed and self.after_crash is AfterCrash.STOP:
            return _unconfirmed(delivery, now)
        if delivery.notification.is_expired(now):
            return DeliveryResult(state=DeliveryState.EXPIRED, at=now, attempts=attempts, reason=Reason.EXPIRED)
        workflow = await self._workflow(delivery)
        critical = workflow is not None and workflow.critical
        if await self._freshness.is_stale(delivery, now, critical=critical):
            return DeliveryResult(state=DeliveryState.STALE, at=now, attempts=attempts, reason=Reason.WAITED_TOO_LONG)
        return None

    async def _attempt(self, delivery: Delivery, send_before: float, asked: AskedAccounts) -> Outcome | LeaseTooShort:
        workflow = await self._workflow(delivery)
        outcome = await attempt(self.breaker, delivery, workflow, send_before, asked)
        if (
            isinstance(outcome, ProviderUnavailable)
            and workflow is not None
            and workflow.outage is OutagePolicy.ATTEMPT
        ):
            outcome = Failed(code=outcome.code, fault=outcome.fault, retry_after_ms=outcome.retry_after_ms)
        if isinstance(outcome, Failed) and outcome.unconfirmed:
            UNCONFIRMED_SENDS.labels(delivery.channel, self.after_crash).inc()
        return outcome

    async def _max_retries(self, delivery: Delivery) -> int | None:
        """What its producer said, else its workflow; None: neither."""
        if delivery.notification.max_retries is not None:
            return delivery.notification.max_retries
        workflow = await self._workflow(delivery)
        return workflow.max_retries if workflow is not None else None

    async def _workflow(self, delivery: Delivery) -> Workflow | None:
        notification = delivery.notification
        place = (notification.tenant, notification.workflow, notification.version)
        if self._catalog.version(*place) is None:
            await retry_until_available(self._catalog.fetch, [place])
        return self._catalog.version(*place)


def _unconfirmed(delivery: Delivery, now: int) -> DeliveryResult:
    return DeliveryResult(
        state=DeliveryState.UNCONFIRMED, at=now, attempts=delivery.attempts + 1, reason=Reason.UNCONFIRMED
    )
