"""Provider accounts in memory. Several holders of the same rows are several processes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shared.model.channels import Channel
from shared.model.errors import MongoUnavailable
from shared.model.provider_accounts import AccountState, ProviderAccount
from tests.support.twins.outages import Outages


class MemoryProviderAccounts:
    """An AccountStore."""

    def __init__(self) -> None:
        self.rows: dict[str, ProviderAccount] = {}
        self.outages = Outages(MongoUnavailable)
        self.reads = 0

    async def read(self, accounts: Sequence[str]) -> dict[str, ProviderAccount]:
        self.reads += 1
        async with self.outages.call():
            return {name: self.rows[name] for name in accounts if name in self.rows}

    async def known(self, channel: Channel) -> set[str]:
        async with self.outages.call():
            return {row.id for row in self.rows.values() if row.channel is channel}

    async def swap(self, before: ProviderAccount | None, after: ProviderAccount) -> bool:
        async with self.outages.call():
            stored = self.rows.get(after.id)
            if (stored and stored.version) != (before and before.version):
                return False
            version = 0 if before is None else before.version + 1
            self.rows[after.id] = msgspec.structs.replace(after, version=version)
        return True

    async def remove(self, account: ProviderAccount) -> bool:
        async with self.outages.call():
            stored = self.rows.get(account.id)
            if stored is None or stored.version != account.version:
                return False
            del self.rows[account.id]
        return True

    async def to_look_at(self, channel: Channel, now: int, *, most: int) -> list[ProviderAccount]:
        async with self.outages.call():
            rows = [
                row
                for row in self.rows.values()
                if row.channel is channel and row.look <= now and row.state is not AccountState.DISABLED
            ]
        return sorted(rows, key=lambda row: row.look)[:most]
