"""Who may send to an account now, and what its answers change. Shared by all workers: the rows are in MongoDB.

A healthy account costs nothing: a row is read only for accounts that are known to have one, and for deliveries that
have come back, which may be the probe that somebody else has released.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.delivery.accounts import Account, Accounts
from services.delivery.core.attempts import Failed, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.errors import MongoUnavailable
from shared.model.ports import AccountStore, ParkedHolds
from shared.model.provider_accounts import (
    AccountPolicy,
    AccountState,
    Passage,
    ProviderAccount,
    admit,
    after_answer,
    after_silence,
    disabled,
    has_failed_too_long,
    unknown,
    untried,
)
from shared.model.reasons import Reason
from shared.process.batching import Batcher
from shared.process.clock import now_ms
from shared.process.metrics import ACCOUNT_CHANGES, MAX_COUNTED
from shared.process.retries import retry_until_available

BULK = 200
NOT_ASKED = (Reason.RENDER_FAILED, Reason.UNKNOWN_WORKFLOW, Reason.FORBIDDEN_ADDRESS)
"""It ended before its account was asked."""
log = structlog.get_logger()


class Breaker:
    """One channel's. Waits while MongoDB is unavailable: who cannot know does not send."""

    def __init__(
        self,
        *,
        channel: Channel,
        accounts: Accounts,
        rows: AccountStore,
        holds: ParkedHolds,
        policy: AccountPolicy,
    ) -> None:
        """`accounts`: who carries the channel's deliveries; `rows`: what is known of those in trouble."""
        self.policy = policy
        self._channel = channel
        self._accounts = accounts
        self._rows = rows
        self._holds = holds
        self._known: set[str] = set()
        self._away: set[str] = set()
        """Of those the ones that were seen not to answer."""
        self._read: Batcher[str, ProviderAccount | None] = Batcher(self._read_many, most=BULK)

    def accounts(self, delivery: Delivery) -> Sequence[Account]:
        """The accounts that may carry it, in the order in which they are tried."""
        return self._accounts.of(delivery)

    def waits_for(self, delivery: Delivery) -> str:
        """What it is parked under when none of them answers."""
        return self._accounts.waits_for(delivery)

    async def admit(self, delivery: Delivery, account: str) -> Passage:
        """Whether it may be sent now. A probe is taken by compare-and-set: of two, one is parked."""
        if account not in self._known and not delivery.pass_:
            return Passage.FREE
        while True:
            row = await self._read(account)
            admission, changed = admit(row, delivery.id, now_ms(), self.policy)
            if changed is None or await self._swap(row, changed):
                return admission

    async def note(self, delivery: Delivery, account: str, admission: Passage, outcome: Outcome) -> Outcome:
        """Lets the account know what came of a send; returns the outcome, final where the endpoint is gone for good."""
        gone = isinstance(outcome, Rejected) and outcome.reason is Reason.ENDPOINT_GONE
        if isinstance(outcome, Sent) and account not in self._known and admission is not Passage.PROBE:
            return outcome
        failed = isinstance(outcome, Failed | ProviderUnavailable)
        if isinstance(outcome, Rejected) and outcome.reason in NOT_ASKED:
            await self.leave(delivery)
            return outcome
        if isinstance(outcome, Rejected) and not gone and admission is not Passage.PROBE:
            return outcome  # about this message, not about the account
        while True:
            row = await self._read(account)
            now = now_ms()
            before = row or unknown(account, self._channel, now)
            if isinstance(outcome, Failed) and has_failed_too_long(before, now, self.policy):
                outcome, gone = Rejected(reason=Reason.ENDPOINT_GONE, code=outcome.code), True
            if gone:
                changed = disabled(before, delivery.id)
            elif _is_silence(outcome):
                asked = outcome.retry_after_ms if isinstance(outcome, ProviderUnavailable) else None
                changed = after_silence(before, delivery.id, now, self.policy, asked=asked)
            elif failed and self.policy.disable_after is None and admission is not Passage.PROBE:
                changed = None  # an answer, and nobody counts how long it fails
            else:
                changed = after_answer(before, delivery.id, now, success=not failed)
            if changed is None or await self._swap(row, changed, outcome):
                return outcome

    async def leave(self, delivery: Delivery) -> None:
        """It is not sent, for reasons of its own: was it to be the probe, another is."""
        for account, _ in self._accounts.of(delivery):
            while account in self._known or delivery.pass_:
                row = await self._read(account)
                changed = None if row is None else untried(row, delivery.id, now_ms())
                if changed is None or await self._swap(row, changed):
                    break

    async def answers(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """Which of them an account takes now: what was parked for it meanwhile must not wait for its release."""
        asked = [[account for account, _ in self._accounts.of(delivery)] for delivery in deliveries]
        rows = await self._rows.read(sorted({account for some in asked for account in some}))
        shut = {name for name, row in rows.items() if row.state in (AccountState.OPEN, AccountState.HALF_OPEN)}
        return [not shut.issuperset(some) for some in asked]

    def learn(self, known: set[str]) -> None:
        """All accounts that have a row, as other workers have found them."""
        self._known = known
        for account in self._away - known:
            self._saw(account, AccountState.CLOSED)

    async def _swap(
        self, before: ProviderAccount | None, after: ProviderAccount, outcome: Outcome | None = None
    ) -> bool:
        changed = await retry_until_available(self._rows.swap, before, after)
        if changed:
            self._known.add(after.id)
            self._saw(after.id, after.state)
            was = AccountState.CLOSED if before is None else before.state
            if was is not after.state or after.probe is not None:
                ACCOUNT_CHANGES.labels(self._channel, after.state).inc()
            if was is not after.state:
                await self._tell(was, before, after, outcome)
        return changed

    async def _tell(
        self, was: AccountState, before: ProviderAccount | None, after: ProviderAccount, outcome: Outcome | None
    ) -> None:
        """One line when it is paused, one when it answers again: of ours a warning, of a recipient's a piece of news."""
        facts: dict[str, object] = {"channel": self._channel, "account": after.id}
        if outcome is not None and not isinstance(outcome, Sent):
            facts |= {"code": outcome.code, "fault": outcome.fault}
        if after.state is AccountState.DISABLED:
            log.warning("endpoint_disabled", **facts)
        elif was is AccountState.CLOSED and after.state is AccountState.OPEN:
            say = log.warning if after.id in self._accounts.ours else log.info
            say("account_paused", **facts, pause_seconds=after.pause / 1000, parked=await self._count_parked(after.id))
        elif after.state is AccountState.CLOSED:
            since = before.failing_since if before is not None else None
            seconds = None if since is None else round((now_ms() - since) / 1000)
            log.info("account_answers", **facts, after_seconds=seconds, parked=await self._count_parked(after.id))

    async def _count_parked(self, account: str) -> int | None:
        """None: nobody knows, and nobody waits for it."""
        try:
            return await self._holds.count_parked(self._accounts.waiting(account), most=MAX_COUNTED)
        except MongoUnavailable:
            return None

    async def _read_many(self, accounts: list[str]) -> list[ProviderAccount | None]:
        rows = await retry_until_available(self._rows.read, sorted(set(accounts)))
        self._known -= set(accounts) - rows.keys()
        self._known |= rows.keys()
        for account in set(accounts):
            self._saw(account, rows[account].state if account in rows else AccountState.CLOSED)
        return [rows.get(account) for account in accounts]

    def _saw(self, account: str, state: AccountState) -> None:
        if state in (AccountState.OPEN, AccountState.HALF_OPEN):
            self._away.add(account)
        elif account in self._away:
            self._away.discard(account)
            self._accounts.recovers(account)


def _is_silence(outcome: Outcome) -> bool:
    return isinstance(outcome, ProviderUnavailable) or (isinstance(outcome, Failed) and outcome.cool_down)
