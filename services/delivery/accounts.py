"""The accounts that carry a channel's deliveries: in which order they are tried, and what waits for which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, Protocol

from services.delivery.channels.sender import Sender
from services.delivery.core.choice import Candidate, order_of
from services.delivery.core.recovery import Recovery
from shared.model.channels import Channel
from shared.model.deliveries import Delivery
from shared.process.clock import now_ms

ReadParked = Callable[[str], Awaitable[set[str]]]
"""The tenants whose deliveries are parked under a name. Raises MongoUnavailable."""


class Account(NamedTuple):
    """One account at a provider, or one recipient's own endpoint."""

    id: str
    sender: Sender


class Accounts(Protocol):
    """Who may carry a delivery."""

    def of(self, delivery: Delivery) -> Sequence[Account]:
        """At least one, in the order in which they are tried."""
        ...

    def waits_for(self, delivery: Delivery) -> str:
        """What its hold is parked under when none of them answers."""
        ...

    def waiting(self, account: str) -> list[str]:
        """Under what all those are parked that this account may carry."""
        ...

    async def strays(self, name: str, read: ReadParked) -> set[str]:
        """The tenants of what is parked under `name` of whom nothing would be any more. Raises MongoUnavailable."""
        ...

    def recovers(self, account: str) -> None:
        """It was away, and answers again."""
        ...

    @property
    def ours(self) -> frozenset[str]:
        """The ids of those that the operator has; empty where each recipient has one of his own."""
        ...

    async def close(self) -> None:
        """Closes the senders."""
        ...


class OwnEndpoints:
    """Each recipient has an endpoint of his own: that one carries it, or none does."""

    ours: frozenset[str] = frozenset()

    def __init__(self, sender: Sender, endpoint_of: Callable[[Delivery], str]) -> None:
        self._sender = sender
        self._endpoint_of = endpoint_of

    def of(self, delivery: Delivery) -> Sequence[Account]:
        """The one."""
        return (Account(self._endpoint_of(delivery), self._sender),)

    def waits_for(self, delivery: Delivery) -> str:
        """The one."""
        return self._endpoint_of(delivery)

    def waiting(self, account: str) -> list[str]:
        """What waits for it."""
        return [account]

    def recovers(self, account: str) -> None:
        """Changes nothing: there is no other."""

    async def strays(self, name: str, read: ReadParked) -> set[str]:
        """Nobody: an endpoint stays its recipient's."""
        del name, read
        return set()

    async def close(self) -> None:
        """Closes the sender."""
        await self._sender.close()


class Providers:
    """The operator's accounts at providers, which may take each other's place.

    What none of them took is parked under the names of those that may carry it, so that whichever answers first releases
    it.
    """

    def __init__(
        self,
        channel: Channel,
        senders: Mapping[str, Sender],
        candidates: Sequence[Candidate] | None = None,
        *,
        chosen: Callable[[str], Sequence[str]] | None = None,
        load: Callable[[Collection[str]], Awaitable[None]] | None = None,
    ) -> None:
        """`senders` by provider; `candidates`: the order and the weights, else as `senders` has them.

        `chosen`: the providers of a tenant that has its own order, of those that there are; `load` makes that known.
        """
        self._chosen = chosen
        self._load = load
        self._channel = channel
        self._recovery = Recovery()
        self._candidates = [Candidate(name) for name in senders] if candidates is None else list(candidates)
        self._accounts = {each.name: Account(f"{channel}/{each.name}", senders[each.name]) for each in self._candidates}
        self._senders = list(senders.values())
        self.ours = frozenset(account.id for account in self._accounts.values())

    def of(self, delivery: Delivery) -> Sequence[Account]:
        """As its tenant has named them, else by weight, then as they were named."""
        if len(self._candidates) == 1:
            return tuple(self._accounts.values())
        names = self._of_tenant(delivery.notification.tenant)
        if not names:
            names = order_of(self._recovery.weighed(self._candidates, now_ms()), delivery.id)
        return [self._accounts[name] for name in names]

    def recovers(self, account: str) -> None:
        """Its weight grows from a tenth to the whole."""
        self._recovery.begin(account.partition("/")[2], now_ms())

    def waits_for(self, delivery: Delivery) -> str:
        """All that may carry it."""
        return self._under(delivery.notification.tenant)

    def _under(self, tenant: str) -> str:
        return self._together(self._of_tenant(tenant) or self._accounts)

    def _of_tenant(self, tenant: str) -> Sequence[str]:
        """Empty: it has no order of its own, or named none that there is."""
        if self._chosen is None or len(self._candidates) == 1:
            return ()
        return [name for name in self._chosen(tenant) if name in self._accounts]

    def waiting(self, account: str) -> list[str]:
        """Under each set of providers that it belongs to: their order and number may have been another before."""
        name = account.partition("/")[2]
        others = [other for other in self._accounts if other != name]
        return [self._together((name, *some)) for size in range(len(others) + 1) for some in combinations(others, size)]

    async def strays(self, name: str, read: ReadParked) -> set[str]:
        """Those who had other providers when it was parked: one that is new to them may be well."""
        if name == self._together(self._accounts):
            return set()
        tenants = await read(name)
        if self._load is not None:
            await self._load(tenants)
        return {tenant for tenant in tenants if self._under(tenant) != name}

    async def close(self) -> None:
        """Closes the senders."""
        for sender in self._senders:
            await sender.close()

    def _together(self, names: Sequence[str] | Mapping[str, Account]) -> str:
        return f"{self._channel}/{'+'.join(sorted(names))}"
