"""The numbers that items have over Socket.IO, looked up in MongoDB: each its own, and its owner's alone."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

import msgspec
import pytest

from services.gateway.socketio.numbers import NOBODYS, StoredNumbers
from shared.model.inbox import InboxItem
from shared.model.numbers import number_of
from shared.model.users import User
from shared.mongo.database import Database
from tests.contract.conftest import MongoInbox

pytestmark = pytest.mark.real
ANN, BOB = User(tenant="acme", id="ann", expires_at=0), User(tenant="acme", id="bob", expires_at=0)


async def test_each_item_has_its_own_number_another_step_of_its_notification_included(database: Database) -> None:
    first = InboxItem(id=str(uuid5(NAMESPACE_URL, "n")), workflow="w", offset=1, created_at=1, data=msgspec.Raw(b"{}"))
    inbox, numbers = MongoInbox(database), StoredNumbers(database)
    await inbox.insert(ANN, [first])
    [row] = await database.inbox.find().to_list(None)
    step = str(uuid5(NAMESPACE_URL, "d"))
    await database.inbox.insert_one(row | {"_id": step, "own_id": True})
    asked = [str(number_of(first.id)), str(number_of(step)), first.id, "17", str(2**60)]
    assert await numbers.resolve(ANN, asked) == (first.id, step, first.id, NOBODYS, NOBODYS)
    assert await numbers.resolve(BOB, asked[:2]) == (NOBODYS, NOBODYS)
