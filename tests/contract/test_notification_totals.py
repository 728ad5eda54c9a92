"""How many notifications a tenant's inboxes hold: those with receipts, pending until they are read, by an index."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.socketio import totals
from services.gateway.socketio.totals import InboxTotals, NotificationTotals
from shared.model.timestamps import to_datetime
from shared.mongo.database import Database
from shared.mongo.inbox_writing import InboxRows
from shared.mongo.indexes import INDEXES
from tests.contract.test_inbox_receipts import row
from tests.support import samples as a

pytestmark = pytest.mark.real


async def change(database: Database, delivery: str, **fields: Any) -> None:
    await database.inbox.update_one({"_id": delivery}, {"$set": fields})


async def test_of_one_tenant_until_they_are_read_or_gone(database: Database) -> None:
    store = InboxTotals(database)
    assert await store.totals("acme") == NotificationTotals(0, 0)
    rows = [row(name, offset) for offset, name in enumerate("abcd")]
    others = [row("e", 5, tenant="other"), row("f", 6, asked=False)]
    await InboxRows(database).insert(rows + others)
    assert await store.totals("acme") == NotificationTotals(4, 4)
    now = to_datetime(a.NOON)
    await change(database, "a", read_at=now)
    await change(database, "b", deleted_at=now)
    await change(database, "c", archived_at=now)
    assert await store.totals("acme") == NotificationTotals(3, 1)
    assert await store.totals("other") == NotificationTotals(1, 1)


async def test_no_more_are_counted_than_the_bound(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "MAX_COUNTED", 2)
    await InboxRows(database).insert([row(name, offset) for offset, name in enumerate("abcd")])
    assert await InboxTotals(database).totals("acme") == NotificationTotals(2, 2)


async def test_by_the_index_of_rows_with_receipts(database: Database) -> None:
    await database.inbox.create_indexes(INDEXES["inbox"])
    await InboxRows(database).insert([row("a", 1), row("b", 2, asked=False)])
    for where in (totals.KEPT, totals.PENDING):
        plan = await database.inbox.find({"tenant": "acme"} | where).explain()
        scanned = plan["executionStats"]
        assert scanned["totalKeysExamined"] == scanned["totalDocsExamined"] == 1
