"""The rate limits of one channel, as this process keeps them: what is over them waits, and holds nothing meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.delivery.accounts import Accounts
from services.delivery.core.cell_rates import SCOPES, CellRates, Rate, RateScope, Turn
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.ids import endpoint_id

MAX_WAIT_MS: Final = 1_000
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

    def turn(self, delivery: Delivery, now: int) -> Turn:
        """Its turn, which is kept for it: scope by scope, up to one that makes it wait for long."""
        turn = Turn(now)
        if not self._limits:
            return turn
        until, express = delivery.notification.expires_at, delivery.notification.priority.is_express
        kept = delivery.turn_at is not None and delivery.turn_at <= now <= delivery.turn_at + KEPT_MS
        passed = delivery.turns if kept else 0
        for position in range(passed, len(SCOPES)):
            for rate in self._rates[position]:
                if (key := self._key(rate, delivery)) is not None:
                    at = self._pace.reserve(f"express {key}" if express else key, rate, turn.at, until)
                    if express and at < until:
                        self._pace.reserve(key, rate, turn.at)  # the others make up for it
                    turn = Turn(max(turn.at, at), position + 1)
            if turn.at - now > MAX_WAIT_MS:
                return turn
        return Turn(turn.at)

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
