"""What is parked, and both halves that look after it."""

from __future__ import annotations

from typing import Any

import msgspec

from services.delivery.core.attempts import ProviderUnavailable
from services.delivery.parking import Parking
from shared.model.channels import Channel
from shared.model.deliveries import ReceivedDelivery
from shared.model.provider_accounts import AccountState
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.unit.delivery.scenes import POLICY, WorkerScene

SLICE = 3
PAUSE = POLICY.first_pause // 1000
DOWN = ProviderUnavailable(code="refused")


class Scene(WorkerScene):
    """A worker, and the other half that looks after what it parks."""

    def __init__(self) -> None:
        super().__init__()
        self.parking = self.another()
        self.sender.outcome = lambda _: DOWN

    def another(self) -> Parking:
        return Parking(
            channel=Channel.EMAIL,
            accounts=self.carriers,
            rows=self.accounts,
            holds=self.holds,
            policy=POLICY,
            slice_size=SLICE,
            learn=self.breaker.learn,
        )

    async def park(self, *names: str, **about: Any) -> None:
        for name in names:
            await self.deliver(a.received(id=name, notification=a.notification(id=f"n-{name}", **about)))

    @property
    def due(self) -> list[str]:
        """The deliveries whose holds have come due, as the scheduler would take them."""
        return [row.hold.record.subject for row in self.holds.rows.values() if row.due <= now_ms()]

    async def bring_back(self) -> list[str]:
        """The due go through `decide`, which lets them, and to the worker."""
        back = self.due
        for hold in [row.hold for row in self.holds.rows.values() if row.hold.record.subject in back]:
            del self.holds.rows[hold.id]
            delivery = hold.record.delivery
            assert delivery is not None
            decided = msgspec.structs.replace(delivery, pass_=hold.record.pass_)
            await self.deliver(ReceivedDelivery(delivery=decided, record=a.record()))
        return back

    def state(self) -> AccountState | None:
        row = self.accounts.rows.get("email/smtp")
        return row.state if row else None
