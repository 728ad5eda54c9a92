"""Tickets in memory."""

from __future__ import annotations

from itertools import count

from services.gateway.tickets.store import GOOD_SECONDS, PREFIX
from shared.model.errors import MongoUnavailable
from shared.model.users import User
from shared.process.clock import now_ms
from tests.support.twins.outages import Outages


class MemoryTickets:
    """A TicketStore."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[User, int]] = {}
        self.outages = Outages(MongoUnavailable)
        self._numbers = count()

    async def issue(self, user: User) -> str:
        async with self.outages.call():
            ticket = f"{PREFIX}{next(self._numbers)}"
            self.rows[ticket] = user, now_ms() + GOOD_SECONDS * 1000
            return ticket

    async def redeem(self, ticket: str) -> User | None:
        async with self.outages.call():
            user, until = self.rows.pop(ticket, (None, 0))
            return user if until > now_ms() else None
