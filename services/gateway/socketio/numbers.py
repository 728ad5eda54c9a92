"""The notifications that numbers stand for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from services.gateway.inbox.queries import own
from shared.model.numbers import ids_between
from shared.model.users import User
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

NOBODYS: Final = "0"
"""No notification's id."""


class NotificationNumbers(Protocol):
    """A user's own."""

    async def resolve(self, user: User, names: Iterable[str], /) -> tuple[str, ...]:
        """For each of `names`, a number in digits or an id, the id; NOBODYS for what is not the user's. Raises MongoUnavailable."""
        ...


class StoredNumbers:
    """By the rows of the inbox: a number is a range of ids, so nothing more is stored, or indexed."""

    def __init__(self, database: Database) -> None:
        self._rows = database.inbox

    async def resolve(self, user: User, names: Iterable[str]) -> tuple[str, ...]:
        """As NotificationNumbers says."""
        return tuple([await self._find(user, int(name)) if _is_number(name) else name for name in names])

    async def _find(self, user: User, number: int) -> str:
        try:
            first, last = ids_between(number)
        except ValueError:
            return NOBODYS
        between = {"$gte": first, "$lte": last}
        items = [{"notification": between, "own_id": None}, {"_id": between, "own_id": True}]
        among = own(user) | {"deleted_at": None, "$or": items}
        with mongo_border():
            found = await self._rows.find(among, {"notification": 1, "own_id": 1}).to_list(2)
        return str(found[0]["_id" if "own_id" in found[0] else "notification"]) if len(found) == 1 else NOBODYS


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
