"""The rate limits of one channel, as this process keeps them: what is over them waits, and holds nothing meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.delivery.accounts import Accounts
from services.delivery.core.cell_rates import SCOPES, CellRates, Rate, RateScope, Turn
from services.delivery.core.shared_rates import AHEAD_MS, SharedRates, SharedTurn
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.ids import endpoint_id

MAX_WAIT_MS: Final = AHEAD_MS
"""What a limit lets go later than this is parked: it would be read ahead in place of what may go."""

KEPT_MS: Final = 60_000
"""So long a turn waits for its delivery: after an outage, or a night of quiet hours, all of them would come at once."""


class Rates:
    """All lanes of a channel share them; each process has its own."""

    def __init__(self, channel: Channel, rates: Sequence[Rate], accounts: Accounts) -> None:
        self._rates = [[rate for rate in rates if rate.channel is channel and rate.scope is scope] for scope in SCOPES]
        self._limits = any(self._rates)
        self._accounts = accounts
        self._pace = CellRates()
        self._shared = SharedRates()

    def turn(self, delivery: Delivery, now: int) -> Turn:
        """When it may go, or ask again: scope by scope, up to one that makes it wait for long.

        Its turn under a limit of its tenant's or recipient's own is kept for it.
        """
        turn = Turn(now)
        if not self._limits:
            return turn
        has_waited = delivery.turn_at is not None and delivery.turn_at <= now <= delivery.turn_at + KEPT_MS
        for position in range(delivery.turns if has_waited else 0, len(SCOPES)):
            for rate in self._rates[position]:
                if (key := self._key(rate, delivery)) is None:
                    continue
                at, given = self._ask(rate, key, delivery, turn.at, has_waited=has_waited)
                if not given:
                    return Turn(at, position)
                turn = Turn(max(turn.at, at), position + 1)
            if turn.at - now > MAX_WAIT_MS:
                return turn
        return Turn(turn.at)

    def _ask(self, rate: Rate, key: str, delivery: Delivery, now: int, *, has_waited: bool) -> SharedTurn:
        about = delivery.notification
        until, express = about.expires_at, about.priority.is_express
        if rate.scope.is_shared:
            return self._shared.ask(
                key, rate, tenant=about.tenant, now=now, until=until, express=express, has_waited=has_waited
            )
        at = self._pace.reserve(f"express {key}" if express else key, rate, now, until)
        if express and at < until:
            self._pace.reserve(key, rate, now)  # the others make up for it
        return SharedTurn(at, given=True)

    def _key(self, rate: Rate, delivery: Delivery) -> str | None:
        """None: it does not count there."""
        tenant = delivery.notification.tenant
        match rate.scope:
            case RateScope.RECIPIENT:
                return f"recipient:{endpoint_id(tenant, delivery.address)}"
            case RateScope.TENANT:
                return f"tenant:{tenant}"
            case RateScope.ACCOUNT:
                first = self._accounts.of(delivery)[0].id
                return first if first == f"{rate.channel}/{rate.account}" else None
            case RateScope.CHANNEL:
                return "channel"
