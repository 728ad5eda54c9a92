"""One attempt of a delivery: its accounts in their order, past those that are paused or do not answer."""

from __future__ import annotations

import time
from typing import Final

from services.delivery.accounts import Account
from services.delivery.breaker import NOT_ASKED, Breaker
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import (
    AttemptFault,
    LeaseTooShort,
    Outcome,
    ProviderUnavailable,
    Rejected,
    Sent,
    outcome_word,
)
from services.delivery.rendering.liquid import RenderFailed
from shared.model.attempts import MAX_CODE, Attempt
from shared.model.deliveries import Delivery
from shared.model.provider_accounts import Passage
from shared.model.reasons import Reason
from shared.model.workflows import Workflow
from shared.process.clock import now_ms
from shared.process.metrics import ATTEMPTS, FAILED_OVER

_PARKED: Final = ProviderUnavailable(code="parked", fault=AttemptFault.PROVIDER)
REFUSED: Final[dict[Passage, Outcome]] = {
    Passage.PARKED: _PARKED,
    Passage.GONE: Rejected(reason=Reason.ENDPOINT_GONE, code="gone", fault=AttemptFault.ADDRESS),
    Passage.DISABLED: Rejected(reason=Reason.ENDPOINT_DISABLED, fault=AttemptFault.ADDRESS),
}
"""What becomes of it without an attempt."""


async def attempt(
    breaker: Breaker, delivery: Delivery, workflow: Workflow | None, send_before: float, asked: AskedAccounts
) -> Outcome | LeaseTooShort:
    """The first answer of an account that says something of the message; where none does, what the first one said.

    An account that is unavailable has taken nothing, so the next one may: no attempt is used up by that.
    `send_before` (monotonic seconds): LeaseTooShort when it has come before anything was sent.
    `asked` gets each account that was asked.
    """
    accounts = breaker.accounts(delivery)
    said: ProviderUnavailable | None = None
    for account in accounts:
        outcome = await _by(breaker, account, delivery, workflow, send_before=send_before, asked=asked)
        if not isinstance(outcome, ProviderUnavailable):
            if said is not None and isinstance(outcome, Sent):
                FAILED_OVER.labels(delivery.channel, account.id).inc()
            break
        if said is None or said is _PARKED:  # what an account said is told, rather than that one was not asked
            said = outcome
    else:
        outcome = said or _PARKED
    if delivery.pass_ and len(accounts) > 1:
        await breaker.leave(delivery)  # it was the probe of one that it did not come to
    return outcome


async def _by(
    breaker: Breaker,
    account: Account,
    delivery: Delivery,
    workflow: Workflow | None,
    *,
    send_before: float,
    asked: AskedAccounts,
) -> Outcome | LeaseTooShort:
    admission = await breaker.admit(delivery, account.id)
    if admission in REFUSED:
        return REFUSED[admission]
    if time.monotonic() >= send_before:
        return LeaseTooShort()
    at, began = now_ms(), time.monotonic()
    try:
        if workflow is None:
            outcome: Outcome | LeaseTooShort = Rejected(reason=Reason.UNKNOWN_WORKFLOW, fault=AttemptFault.US)
        else:
            with asked.one(time.monotonic):
                outcome = await account.sender.send(delivery, workflow, send_before)
    except RenderFailed as error:
        outcome = Rejected(reason=Reason.RENDER_FAILED, code=str(error), fault=AttemptFault.MESSAGE)
    if isinstance(outcome, LeaseTooShort):
        return outcome
    latency_ms = round((time.monotonic() - began) * 1000)
    if not (isinstance(outcome, Rejected) and outcome.reason in NOT_ASKED):
        answer = _logged(account, outcome, at, latency_ms)
        asked.log.append(answer)
        ATTEMPTS.labels(delivery.channel, answer.fault or "none").inc()
    return await breaker.note(delivery, account.id, admission, outcome)


def _logged(account: Account, outcome: Outcome, at: int, latency_ms: int) -> Attempt:
    """Codes are short, and ours or the provider's; what else it answered is not kept."""
    code, fault = (outcome.receipt, None) if isinstance(outcome, Sent) else (outcome.code, outcome.fault)
    return Attempt(
        account=account.id,
        outcome=outcome_word(outcome),
        at=at,
        latency_ms=latency_ms,
        fault=fault,
        code=code and code[:MAX_CODE],
    )
