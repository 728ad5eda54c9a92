"""Many suppressions taken off at once over the producers' API."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.errors import MongoUnavailable
from shared.model.owners import address_ids
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.timestamps import rfc3339
from shared.model.topics import Topics
from shared.mongo import lifting, profiles
from shared.mongo.database import Database
from shared.mongo.indexes import INDEXES
from shared.mongo.suppressions import Suppressions
from tests.contract.suppressions_scene import Api
from tests.support import samples as a
from tests.support.twins.publisher import MemoryPublisher

pytestmark = pytest.mark.real
HOUR = 3_600_000


@pytest.fixture
async def api(database: Database) -> Api:
    found = Api(database)
    await found.start()
    return found


async def bounced(api: Api, *addresses: str, tenant: str = "acme", **changes: Any) -> None:
    for number, address in enumerate(addresses):
        entry = Suppression(
            tenant=tenant,
            address=next(iter(address_ids({"email": address}))),
            reason=SuppressionReason.BOUNCED,
            created_at=a.NOON + number,
            by="email/sendgrid",
        )
        await Suppressions(api.database).put(msgspec.structs.replace(entry, **changes))


async def left(api: Api) -> list[str]:
    return sorted([str(row["by"]) async for row in api.database.suppressions.find({})])


async def test_what_a_provider_put_there_in_an_hour_is_taken_off_page_by_page(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifting, "PAGE", 2)
    await profiles.write(
        api.database, MemoryPublisher(), Topics(), tenant="acme", user="ada", change=lambda _: a.profile()
    )
    await bounced(api, "ada@example.com", *(f"{number}@example.com" for number in range(4)))
    await bounced(api, "x@example.com", by="sms/twilio")
    await bounced(api, "x@example.com", reason=SuppressionReason.MANUAL)
    await bounced(api, "y@example.com", created_at=a.NOON - 1)
    await bounced(api, "z@example.com", created_at=a.NOON + HOUR)
    await bounced(api, "ada@example.com", tenant="other")
    asked = {
        "reason": "bounced", "by": "email/sendgrid", "since": rfc3339(a.NOON), "until": rfc3339(a.NOON + HOUR),
    }  # fmt: skip
    assert (await api.lift(asked | {"dry_run": True})).json() == {"entries": 5, "more": False}
    assert len(await left(api)) == 10, "it was only counted"
    assert [(await api.lift(asked)).json() for _ in range(4)] == [
        {"entries": 2, "more": True},
        {"entries": 2, "more": True},
        {"entries": 1, "more": False},
        {"entries": 0, "more": False},
    ]
    assert await left(api) == ["email/sendgrid"] * 4 + ["sms/twilio"]
    assert api.told() == [("acme", "ada")]
    notes = [row async for row in api.database.audit.find({})]
    assert [(row["action"], row["subject"], row["details"]["entries"]) for row in notes] == [
        ("suppressions_lifted", "bounced", number) for number in (2, 2, 1)
    ]
    assert {row["actor"] for row in notes} == {api.keys["acme"].split("_")[1]}


async def test_what_could_not_be_told_stays_on_the_list(api: Api) -> None:
    await profiles.write(
        api.database, MemoryPublisher(), Topics(), tenant="acme", user="ada", change=lambda _: a.profile()
    )
    await bounced(api, "ada@example.com")
    before = [row async for row in api.database.suppressions.find({})]
    api.log.outages.add()
    assert (await api.lift({"reason": "bounced"})).status == 503
    assert [row async for row in api.database.suppressions.find({})] == before
    assert (await api.lift({"reason": "bounced"})).json() == {"entries": 1, "more": False}
    assert len(api.log.written) == 1


async def test_so_it_does_when_mongo_does_not_say_who_has_the_address(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise MongoUnavailable("no primary")

    await bounced(api, "ada@example.com")
    before = [row async for row in api.database.suppressions.find({})]
    with monkeypatch.context() as trouble:
        trouble.setattr(lifting, "announce", away)
        assert (await api.lift({"reason": "bounced"})).status == 503
    assert [row async for row in api.database.suppressions.find({})] == before
    assert (await api.lift({"reason": "bounced"})).json() == {"entries": 1, "more": False}


async def test_what_only_a_newer_version_reads_is_left_to_it(api: Api) -> None:
    await bounced(api, "ada@example.com")
    await api.database.suppressions.update_one({}, {"$set": {"format": a.NEWER}})
    assert (await api.lift({"reason": "bounced"})).json() == {"entries": 0, "more": False}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": "dull"}, "/reason"),
        ({"reason": "bounced", "since": "6h"}, "/since"),
        ({"reason": "bounced", "until": 7}, "/until"),
        ({"reason": "bounced", "by": ""}, "/by"),
        ({"reason": "bounced", "dry_run": "yes"}, "/dry_run"),
        ({"reason": "bounced", "dryrun": True}, "/dryrun"),
    ],
)
async def test_what_is_wrong_with_a_lift_is_named_and_nothing_is_lifted(api: Api, value: Any, pointer: str) -> None:
    await bounced(api, "ada@example.com")
    answer = await api.lift(value)
    assert answer.status == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert len(await left(api)) == 1


async def test_a_lift_needs_the_scope_of_a_delete(api: Api) -> None:
    refused = await api.lift({"reason": "bounced"}, key="sender")
    assert (refused.status, refused.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize("by", [None, "email/sendgrid"])
async def test_an_index_finds_what_is_lifted(api: Api, by: str | None) -> None:
    await api.database.suppressions.create_indexes(INDEXES["suppressions"])
    await bounced(api, *(f"{number}@example.com" for number in range(50)))
    await bounced(api, *(f"{number}@example.org" for number in range(50)), by="email/smtp")
    wanted = lifting.ToLift(tenant="acme", reason=SuppressionReason.BOUNCED, by=by, since=a.NOON, until=a.NOON + 10)
    asked = lifting.query(wanted)
    told = (await api.database.suppressions.find(asked).sort("created_at", 1).limit(201).explain())["executionStats"]
    assert told["totalDocsExamined"] == told["nReturned"] == (20 if by is None else 10)
    assert "SORT" not in str(told["executionStages"])
