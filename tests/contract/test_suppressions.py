"""The suppression list: by address, per tenant; whoever writes the same twice changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.ids import SEPARATOR
from shared.model.owners import address_ids
from shared.model.records import Kind, decode_record
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.topics import Topics
from shared.mongo import profiles as stored_profiles
from shared.mongo import suppressions as stored
from shared.mongo.indexes import INDEXES
from shared.mongo.suppressions import Suppressions
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher
from tests.support.twins.suppressions import MemorySuppressions

TOPICS = Topics()
(ADA,) = address_ids({"email": "ada@example.com"})
(BOB,) = address_ids({"email": "bob@example.com"})


def entry(address: str = ADA, **changes: Any) -> Suppression:
    known: dict[str, Any] = {
        "tenant": "acme", "address": address, "reason": SuppressionReason.BOUNCED, "created_at": a.NOON, "by": "key",
    }  # fmt: skip
    return Suppression(**(known | changes))


@pytest.fixture
def entries(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemorySuppressions() if implementation == "twin" else Suppressions(request.getfixturevalue("database"))


async def test_entries_are_found_by_tenant_and_address(entries: Any) -> None:
    of_category = entry(category="news", reason=SuppressionReason.UNSUBSCRIBED)
    for each in (entry(), of_category, entry(tenant="other", address=BOB)):
        assert await entries.put(each) == each
    found = await entries.of_addresses({"acme": [ADA, BOB], "other": {BOB}})
    assert {place: sorted(each.reason for each in those) for place, those in found.items()} == {
        ("acme", ADA): ["bounced", "unsubscribed"],
        ("other", BOB): ["bounced"],
    }
    assert {each.category for each in found["acme", ADA]} == {None, "news"}
    assert await entries.of_addresses({"other": [ADA], "acme": [BOB]}) == {}, "not another tenant's"
    assert await entries.of_addresses({}) == await entries.of_addresses({"acme": []}) == {}


async def test_the_first_of_equal_entries_stays(entries: Any) -> None:
    await entries.put(entry())
    assert await entries.put(entry(created_at=a.NOON + 5, by="another")) == entry()
    assert await entries.of_addresses({"acme": [ADA]}) == {("acme", ADA): [entry()]}


async def test_what_is_taken_off_is_of_the_category_that_is_named(entries: Any) -> None:
    for category in (None, "news"):
        for reason in (SuppressionReason.BOUNCED, SuppressionReason.MANUAL):
            await entries.put(entry(category=category, reason=reason))
    await entries.put(entry(tenant="other"))
    assert await entries.remove("acme", ADA, category=None, reason=SuppressionReason.MANUAL) == 1
    assert await entries.remove("acme", ADA, category="news") == 2
    assert await entries.remove("acme", ADA, category="news") == 0
    assert await entries.of_addresses({"acme": [ADA], "other": [ADA]}) == {
        ("acme", ADA): [entry()],
        ("other", ADA): [entry(tenant="other")],
    }


@pytest.mark.real
async def test_nothing_that_is_stored_tells_the_address(database: Any) -> None:
    await Suppressions(database).put(entry())
    row = await database.suppressions.find_one({})
    assert ADA.startswith(f"email{SEPARATOR}")
    assert "ada" not in str(row)


@pytest.mark.real
async def test_all_who_have_the_address_are_told_before_the_answer_and_nobody_else(
    database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "PAGE", 3)
    for number in range(7):
        user = a.profile(user=f"u{number}", addresses={"email": "ADA@example.com"})
        await write(database, user)
    await write(database, a.profile(user="bob", addresses={"email": "bob@example.com"}))
    await write(database, a.profile(tenant="other"))
    log = MemoryPublisher()
    assert await stored.put(database, log, TOPICS, entry()) == entry()
    assert told(log) == [f"u{number}" for number in range(7)]
    assert await stored.remove(database, log, TOPICS, tenant="acme", address=ADA, category=None) == 1
    assert told(log) == [f"u{number}" for number in range(7)] * 2


@pytest.mark.real
async def test_the_indexes_serve_it(database: Any) -> None:
    for name in ("profiles", "suppressions"):
        await database[name].create_indexes(INDEXES[name])
    asked = {"tenant": {"$in": ["acme", "other"]}, "address": {"$in": [ADA, BOB]}}
    assert "IXSCAN" in str((await database.suppressions.find(asked).explain())["queryPlanner"]["winningPlan"])


@pytest.mark.real
async def test_of_a_newer_entry_there_is_its_format(database: Any) -> None:
    await Suppressions(database).put(entry())
    await database.suppressions.update_one({}, {"$set": {"format": a.NEWER, "reason": "one to come"}})
    [found] = (await Suppressions(database).of_addresses({"acme": [ADA]}))["acme", ADA]
    assert found.format == a.NEWER


async def write(database: Any, profile: Any) -> None:
    place = {"tenant": profile.tenant, "user": profile.user}
    await stored_profiles.write(database, MemoryPublisher(), TOPICS, **place, change=lambda _: profile)


def told(log: MemoryPublisher) -> list[str]:
    records = [decode_record(output.value) for output in log.written]
    assert {record.kind for record in records} <= {Kind.PROFILE_CHANGED}
    assert all(
        output.key == f"acme:{record.user}".encode() for output, record in zip(log.written, records, strict=True)
    )
    return [record.user for record in records]
