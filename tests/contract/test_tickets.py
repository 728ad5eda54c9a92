"""Tickets in memory and in MongoDB: one socket each, for half a minute, and nobody reads them in the database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.tickets.store import PREFIX, Tickets
from shared.model.users import User
from shared.mongo.database import Database
from tests.support.twins.tickets import MemoryTickets

ADA = User(tenant="acme", id="$ada", expires_at=1_767_600_000.5, issued_at=1_767_500_000.0)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.real)])
def tickets(request: pytest.FixtureRequest) -> Any:
    return MemoryTickets() if request.param == "memory" else Tickets(request.getfixturevalue("database"))


async def test_a_ticket_is_good_once_and_is_whose_token_was_shown(tickets: Any) -> None:
    one, other = await tickets.issue(ADA), await tickets.issue(ADA)
    assert one != other
    assert one.startswith(PREFIX)
    assert await tickets.redeem(one) == ADA
    assert await tickets.redeem(one) is None
    assert await tickets.redeem(other) == ADA


async def test_of_two_who_show_it_at_once_one_is_let_in(tickets: Any) -> None:
    ticket = await tickets.issue(ADA)
    found = await asyncio.gather(*(tickets.redeem(ticket) for _ in range(20)))
    assert [user for user in found if user is not None] == [ADA]


@pytest.mark.parametrize("text", [PREFIX, PREFIX + "x" * 5000, PREFIX + "\udc00", "ct_$ne"])
async def test_what_was_never_issued_is_nobodys(tickets: Any, text: str) -> None:
    assert await tickets.redeem(text) is None


@pytest.mark.real
async def test_an_old_one_is_nobodys_and_the_rows_have_no_ticket_in_them(database: Database) -> None:
    tickets = Tickets(database)
    ticket = await tickets.issue(ADA)
    assert ticket.removeprefix(PREFIX) not in repr([row async for row in database.tickets.find()])
    back = timedelta(seconds=31) // timedelta(milliseconds=1)
    await database.tickets.update_one({}, [{"$set": {"until": {"$subtract": ["$until", back]}}}])
    assert await tickets.redeem(ticket) is None
