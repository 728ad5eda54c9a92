"""Who is connected: to any of several processes, for as long as a lease lasts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import pytest

from services.gateway.live.presence import PresenceStore
from shared.model.ports import PresenceLookup
from shared.mongo import presence
from shared.mongo.database import Database
from shared.mongo.presence import Presence
from tests.support.twins.presence import MemoryPresence

ANN, BOB, CAT = "default:ann", "default:bob", "other:ann"


class Both(PresenceStore, PresenceLookup, Protocol):
    """As a gateway has it, and whoever asks."""


@pytest.fixture
def gateway(implementation: str, request: pytest.FixtureRequest) -> Callable[[str], Both]:
    """The store as a process of this name has it."""
    if implementation == "twin":
        rows: dict[str, set[str]] = {}
        return lambda name: MemoryPresence(name, rows)
    database = request.getfixturevalue("database")
    return lambda name: Presence(database, name)


async def test_who_is_connected_is_online_until_the_last_connection_closes(gateway: Callable[[str], Both]) -> None:
    one, other = gateway("1"), gateway("2")
    assert await one.online([ANN, BOB, CAT]) == set()
    await one.renew([ANN, BOB])
    await other.renew([ANN])
    assert await gateway("").online([ANN, BOB, CAT]) == {ANN, BOB}
    await one.gone([ANN, BOB])
    assert await one.online([ANN, BOB, CAT]) == {ANN}, "the other process has a connection still"
    await other.gone([ANN])
    assert await one.online([ANN, BOB]) == set()


async def test_saying_it_again_changes_nothing(gateway: Callable[[str], Both]) -> None:
    one = gateway("1")
    await one.gone([ANN])
    await one.renew([ANN])
    await one.renew([ANN, BOB])
    assert await one.online([ANN, BOB]) == {ANN, BOB}
    await one.gone([ANN])
    await one.gone([ANN])
    assert await one.online([ANN, BOB]) == {BOB}
    assert await one.online([]) == set()


@pytest.mark.real
async def test_a_process_that_died_counts_until_its_leases_end(database: Database) -> None:
    """And leaves nothing behind in rows that go on."""
    dead, living = Presence(database, "dead", lease=timedelta(0)), Presence(database, "living")
    await dead.renew([ANN, BOB])
    assert await living.online([ANN, BOB]) == set()
    await living.renew([ANN])
    assert await living.online([ANN, BOB]) == {ANN}
    [row] = [row async for row in database.presence.find({"_id": ANN})]
    assert [pod["pod"] for pod in row["pods"]] == ["living"]
    assert row["until"] == row["pods"][0]["until"], "by which MongoDB removes it"
    await living.gone([ANN])
    assert await database.presence.count_documents({"_id": ANN}) == 0


@pytest.mark.real
async def test_more_users_than_one_command_takes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MAX_AT_ONCE", 7)
    users = [f"default:u{number}" for number in range(50)]
    one = Presence(database, "1")
    await one.renew(users[:40])
    await one.renew(users)
    assert await one.online(users) == set(users)
    await one.gone(users[:20])
    assert await one.online(users) == set(users[20:])
