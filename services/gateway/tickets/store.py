"""Tickets: each lets its user open one socket, within half a minute. For clients that can put something only into the URL."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any, Final, Protocol

from shared.model.users import User
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

GOOD_SECONDS: Final = 30
PREFIX: Final = "ct_"
_BYTES: Final = 24


class TicketStore(Protocol):
    """All methods raise MongoUnavailable."""

    async def issue(self, user: User, /) -> str:
        """A ticket for them, as good as the token that they showed, and not for longer."""
        ...

    async def redeem(self, ticket: str, /) -> User | None:
        """Whose it was; nobody's from now on. None: it is no ticket, too old, or was shown before."""
        ...


class Tickets:
    """The `tickets` collection: hashes, so that who reads the database opens no socket. Times are the server's."""

    def __init__(self, database: Database) -> None:
        self._rows: Rows = database.tickets

    async def issue(self, user: User) -> str:
        """As TicketStore says."""
        ticket = PREFIX + secrets.token_urlsafe(_BYTES)
        about = {
            "tenant": user.tenant,
            "user": user.id,
            "expires_at": user.expires_at,
            "issued_at": user.issued_at,
            "until": {"$add": ["$$NOW", GOOD_SECONDS * 1000]},
        }
        literal = {name: value if name == "until" else {"$literal": value} for name, value in about.items()}
        with mongo_border():
            await self._rows.update_one({"_id": _hash(ticket)}, [{"$set": literal}], upsert=True)
        return ticket

    async def redeem(self, ticket: str) -> User | None:
        """As TicketStore says."""
        living = {"_id": _hash(ticket), "$expr": {"$gt": ["$until", "$$NOW"]}}
        with mongo_border():
            row: dict[str, Any] | None = await self._rows.find_one_and_delete(living)
        if row is None:
            return None
        return User(tenant=row["tenant"], id=row["user"], expires_at=row["expires_at"], issued_at=row["issued_at"])


def _hash(ticket: str) -> str:
    return sha256(ticket.encode(errors="replace")).hexdigest()
