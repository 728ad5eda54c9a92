"""An inbox belongs to a life of its user, not to the id."""

from __future__ import annotations

import msgspec

from services.gateway.inbox.filters import InboxFilter
from services.gateway.inbox.store import ItemCounts, UnreadCount
from shared.model.inbox import Change, InboxItem
from shared.model.users import User

ANN = User(tenant="default", id="ann", expires_at=1e12)
ALL = InboxFilter()


async def test_a_life_sees_nothing_of_another(inbox) -> None:
    successor = msgspec.structs.replace(ANN, life=1)
    await inbox.insert(ANN, [InboxItem(id="old", workflow="w", offset=1, created_at=1)])
    assert (await inbox.page(successor, ALL, limit=9, offset=0)).counts == ItemCounts(0, 0, 0)
    assert await inbox.unread(successor) == UnreadCount(0, -1, 0)
    assert await inbox.change(successor, Change.READ, ["old"]) == []
    assert (await inbox.snapshot(successor, None)).rows == ()
    await inbox.insert(successor, [InboxItem(id="new", workflow="w", offset=2, created_at=1)])
    assert [one.id for one in (await inbox.page(successor, ALL, limit=9, offset=0))[0]] == ["new"]
    assert [one.id for one in (await inbox.page(ANN, ALL, limit=9, offset=0))[0]] == ["old"]
