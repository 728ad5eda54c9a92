"""Two providers of SMS over one set of rows, and what is parked for them."""

from __future__ import annotations

from services.delivery.accounts import Providers
from services.delivery.breaker import Breaker
from services.delivery.channels.stub import StubSender
from services.delivery.core.asked import AskedAccounts
from services.delivery.core.attempts import LeaseTooShort, Outcome, ProviderUnavailable
from services.delivery.core.choice import Candidate
from services.delivery.failover import attempt
from services.delivery.parking import Parking
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.model.holds import Cause, Hold
from shared.model.provider_accounts import AccountPolicy, AccountState
from shared.model.records import Kind, Record
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.holds import MemoryHolds
from tests.support.twins.provider_accounts import MemoryProviderAccounts

POLICY = AccountPolicy(first_pause=15_000, longest_pause=600_000, patience=60_000)
DOWN = ProviderUnavailable(code="503")


class Scene:
    """Two providers of SMS, the second one behind the first."""

    def __init__(self, candidates: list[Candidate] | None = None) -> None:
        self.first, self.second = StubSender(), StubSender()
        self.providers = Providers(Channel.SMS, {"first": self.first, "second": self.second}, candidates)
        self.rows, self.holds = MemoryProviderAccounts(), MemoryHolds()
        self.asked = AskedAccounts()
        self.breaker = Breaker(
            channel=Channel.SMS, accounts=self.providers, rows=self.rows, holds=self.holds, policy=POLICY
        )

    async def attempt(self, name: str = "d-1", *, pass_: int = 0, send_before: float = 1e12) -> Outcome | LeaseTooShort:
        return await attempt(self.breaker, delivery(name, pass_), a.workflow(), send_before, self.asked)

    def parking(self, providers: Providers | None = None) -> Parking:
        return Parking(
            channel=Channel.SMS, accounts=providers or self.providers, rows=self.rows, holds=self.holds, policy=POLICY,
            slice_size=2, learn=self.breaker.learn,
        )  # fmt: skip

    async def park(self, *names: str, under: str | None = None) -> None:
        await self.holds.insert(
            [
                Hold(
                    cause=Cause.PROVIDER_DOWN,
                    due=now_ms() + a.DAY,
                    record=Record(
                        kind=Kind.RETRY, tenant="acme", user="ada", subject=name, pass_=1, delivery=delivery(name, 0)
                    ),
                    account=under or self.providers.waits_for(delivery(name, 0)),
                )
                for name in names
            ]
        )

    @property
    def due(self) -> list[str]:
        return sorted(row.hold.record.subject for row in self.holds.rows.values() if row.due <= now_ms())

    def state(self, name: str) -> AccountState | None:
        row = self.rows.rows.get(f"sms/{name}")
        return row.state if row else None


def delivery(name: str, pass_: int) -> Delivery:
    return a.delivery(id=name, channel=Channel.SMS, address="+4915112345678", pass_=pass_)
