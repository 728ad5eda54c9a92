"""Provider accounts and endpoints in trouble: a row each, changed by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from pymongo.errors import DuplicateKeyError

from shared.model.channels import Channel
from shared.model.ids import endpoint_id
from shared.model.provider_accounts import AccountState, ProviderAccount
from shared.model.timestamps import from_datetime, to_datetime
from shared.mongo.bulk import Rows, find_by_id
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.process.clock import now_ms


class ProviderAccountRow(TypedDict):
    """As it is stored; `updated_at` is for its end: a closed row that nothing changes is forgotten."""

    _id: str
    channel: str
    state: str
    due: datetime
    look: datetime
    pause: int
    probe: str | None
    failing_since: datetime | None
    failed_at: NotRequired[datetime | None]
    version: int
    updated_at: datetime


class ProviderAccounts:
    """The `provider_accounts` collection. All methods raise MongoUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.provider_accounts

    async def read(self, accounts: Sequence[str]) -> dict[str, ProviderAccount]:
        """The rows of `accounts` by id; those without one are left out."""
        rows: dict[str, ProviderAccountRow] = await find_by_id(self._rows, accounts)
        return {name: _account(row) for name, row in rows.items()}

    async def known(self, channel: Channel) -> set[str]:
        """The ids of all accounts of a channel that have a row."""
        with mongo_border():
            return {row["_id"] async for row in self._rows.find({"channel": channel}, {"_id": 1})}

    async def swap(self, before: ProviderAccount | None, after: ProviderAccount) -> bool:
        """Writes `after` if the row is still as `before` says (None: not there); False when it is not."""
        row = _row(after, 0 if before is None else before.version + 1)
        with mongo_border():
            if before is None:
                try:
                    await self._rows.insert_one(row)
                except DuplicateKeyError:
                    return False
                return True
            changed = await self._rows.replace_one({"_id": before.id, "version": before.version}, row)
        return bool(changed.matched_count)

    async def remove(self, account: ProviderAccount) -> bool:
        """Forgets a healthy one, unless it has changed since it was read."""
        with mongo_border():
            found = await self._rows.delete_one({"_id": account.id, "version": account.version})
        return bool(found.deleted_count)

    async def to_look_at(self, channel: Channel, now: int, *, most: int) -> list[ProviderAccount]:
        """Up to `most` accounts that are to be looked at by `now`, the longest waiting first; no disabled ones."""
        wanted = {
            "channel": channel,
            "look": {"$lte": to_datetime(now)},
            "state": {"$ne": AccountState.DISABLED},
        }
        with mongo_border():
            return [_account(row) async for row in self._rows.find(wanted).sort("look", 1).limit(most)]


async def enable(database: Database, tenant: str, address: str) -> None:
    """An endpoint whose address is given anew is called again. Raises MongoUnavailable."""
    with mongo_border():
        await database.provider_accounts.delete_one(
            {"_id": endpoint_id(tenant, address), "state": AccountState.DISABLED}
        )


def _row(account: ProviderAccount, version: int) -> ProviderAccountRow:
    return {
        "_id": account.id,
        "channel": account.channel,
        "state": account.state,
        "due": to_datetime(account.due),
        "look": to_datetime(account.look),
        "pause": account.pause,
        "probe": account.probe,
        "failing_since": None if account.failing_since is None else to_datetime(account.failing_since),
        "failed_at": None if account.failed_at is None else to_datetime(account.failed_at),
        "version": version,
        "updated_at": to_datetime(now_ms()),
    }


def _account(row: ProviderAccountRow) -> ProviderAccount:
    since, failed_at = row["failing_since"], row.get("failed_at")
    return ProviderAccount(
        id=row["_id"],
        channel=Channel(row["channel"]),
        state=AccountState(row["state"]),
        due=from_datetime(row["due"]),
        look=from_datetime(row["look"]),
        pause=row["pause"],
        probe=row["probe"],
        failing_since=None if since is None else from_datetime(since),
        failed_at=None if failed_at is None else from_datetime(failed_at),
        version=row["version"],
    )
