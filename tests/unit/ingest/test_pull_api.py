"""Taking deliveries and reporting on them over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from fastapi import FastAPI

from services.ingest.admission import Admission
from services.ingest.models.body import Body, InvalidFields, example, read
from services.ingest.models.pull import (
    ExtendedLease,
    ExtendRequest,
    FailedReport,
    KeptReport,
    SentReport,
    TakenDeliveries,
    TakeRequest,
)
from services.ingest.pull_api import pull_routes
from shared.deciding.changed_inputs import ChangedInputs
from shared.http.problems import install_problems
from shared.http.work_limits import ReleasesWork
from shared.model.digests import Digest
from shared.model.pull import PullReport, ReportKind
from shared.mongo.api_keys import Principal, Scope
from tests.support import samples as a
from tests.support.asgi import ask_app
from tests.support.pulled import pulled
from tests.support.twins.address_owners import MemoryAddressOwners
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.profiles import MemoryProfiles
from tests.support.twins.pull import MemoryPull
from tests.support.twins.suppressions import MemorySuppressions
from tests.unit.ingest.scenes import limits

pytestmark = pytest.mark.usefixtures("clock")
PATH = "/v1/pull/deliveries"


class Keys:
    """The key names tenant and scope."""

    async def principal(self, key: str) -> Principal | None:
        tenant, _, scope = key.partition(":")
        return Principal(key_id="k", tenant=tenant, scopes=frozenset({Scope(scope)}))


async def no_settings(tenants: list[str]) -> dict[str, int]:
    return dict.fromkeys(tenants, 0)


class Api:
    """The routes over twins; deliveries were decided with version 7 of the profile."""

    def __init__(self) -> None:
        self.pull = MemoryPull()
        self.cancellations = MemoryCancellations()
        self.subscriptions = MemorySubscriptions()
        profiles = MemoryProfiles(a.profile())
        inputs = ChangedInputs(
            versions=profiles.versions,
            tenant_versions=no_settings,
            cancellations=self.cancellations,
            suppressions=MemorySuppressions(),
            owners=MemoryAddressOwners(profiles),
            subscriptions=self.subscriptions,
        )
        admission = Admission(Keys(), limits=limits(), prepare_seconds=1)
        self.app = FastAPI(redirect_slashes=False)
        install_problems(self.app)
        self.app.add_middleware(ReleasesWork)
        self.app.include_router(pull_routes(admission=admission, senders=self.pull, inputs=inputs))

    async def ask(self, path: str, body: object, *, key: str = "acme:pull", **headers: str) -> tuple[int, Any]:
        given = {"authorization": f"Bearer {key}", "content-type": "application/json"} | headers
        answer = await ask_app(self.app, "POST", PATH + path, headers=given, body=orjson.dumps(body))
        return answer.status, answer.json()

    async def take(self, **body: Any) -> list[dict[str, Any]]:
        status, answer = await self.ask("/take", body)
        assert status == 200
        return list(answer["deliveries"])


@pytest.fixture
def api() -> Api:
    return Api()


async def test_what_a_taker_gets(api: Api) -> None:
    await api.pull.insert([pulled(name="Ada", locale="de", attempts=2, about={"actor": "bob"})])
    (found,) = await api.take(lease_seconds=30)
    token = found.pop("token")
    assert found == {
        "id": "d", "lease_until": "2026-01-05T12:00:30.000Z", "attempt": 3, "notification": a.ID,
        "event_type": "com.example.order.shipped", "workflow": "order.shipped", "step": "notify", "user": "ada",
        "name": "Ada", "locale": "de", "actor": "bob", "priority": "normal", "data": {"order": "A7"},
        "accepted_at": "2026-01-05T12:00:00.000Z", "expires_at": "2026-01-05T13:00:00.000Z",
    }  # fmt: skip
    assert await api.take() == []
    assert await api.ask("/d/sent", {"token": token, "receipt": "SM1"}) == (200, {"id": "d", "reported": "sent"})
    assert await api.ask("/d/sent", {"token": token, "receipt": "SM1"}) == (200, {"id": "d", "reported": "sent"})
    assert (await api.ask("/d/failed", {"token": token, "code": "busy"}))[1]["code"] == "already_reported"
    assert (await api.ask("/d/extend", {"token": token}))[1]["code"] == "already_reported"


@pytest.mark.parametrize(
    ("body", "kind", "after"),
    [
        ({"code": "busy"}, ReportKind.FAILED, None),
        ({"code": "busy", "retry_after_seconds": 9}, ReportKind.FAILED, 9000),
        ({"code": "busy", "retryable": False}, ReportKind.REJECTED, None),
    ],
)
async def test_a_failure_is_kept(api: Api, body: dict[str, Any], kind: ReportKind, after: int | None) -> None:
    await api.pull.insert([pulled()])
    (found,) = await api.take()
    assert await api.ask("/d/failed", {"token": found["token"]} | body) == (200, {"id": "d", "reported": "failed"})
    (row,) = await api.pull.claim(most=9)
    assert row.report == PullReport(kind=kind, at=a.NOON, code="busy", retry_after_ms=after)


async def test_a_lease_is_made_longer(api: Api) -> None:
    await api.pull.insert([pulled()])
    (found,) = await api.take(lease_seconds=10)
    answer = await api.ask("/d/extend", {"token": found["token"], "lease_seconds": 3600})
    assert answer == (200, {"id": "d", "lease_until": "2026-01-05T13:00:00.000Z"})


async def test_who_reports_what_is_not_theirs(api: Api) -> None:
    await api.pull.insert([pulled()])
    (found,) = await api.take()
    body = {"token": found["token"]}
    for path, said, key, status, code in [
        ("/d/sent", {"token": "other"}, "acme:pull", 409, "lease_lost"),
        ("/d/extend", {"token": "other"}, "acme:pull", 409, "lease_lost"),
        ("/d/sent", body, "globex:pull", 404, "unknown_delivery"),
        ("/nobody/sent", body, "acme:pull", 404, "unknown_delivery"),
        ("/d/sent", body, "acme:send", 403, "missing_scope"),
        ("/take", {}, "acme:send", 403, "missing_scope"),
    ]:
        answer = await api.ask(path, said, key=key)
        assert (answer[0], answer[1]["code"]) == (status, code), path
    assert (await api.ask("/take", {}, key="globex:pull"))[1] == {"deliveries": []}


@pytest.mark.parametrize(
    ("model", "body", "pointer"),
    [
        (TakeRequest, {"most": 101}, "/most"),
        (TakeRequest, {"most": 0}, "/most"),
        (TakeRequest, {"lease_seconds": 9}, "/lease_seconds"),
        (TakeRequest, {"lease_seconds": 3601}, "/lease_seconds"),
        (TakeRequest, {"tenant": "globex"}, "/tenant"),
        (SentReport, {}, "/token"),
        (SentReport, {"token": ""}, "/token"),
        (SentReport, {"token": "t", "receipt": "two words"}, "/receipt"),
        (SentReport, {"token": "t", "receipt": "ü"}, "/receipt"),
        (FailedReport, {"token": "t"}, "/code"),
        (FailedReport, {"token": "t", "code": "a\r\nb"}, "/code"),
        (FailedReport, {"token": "t", "code": "x" * 65}, "/code"),
        (FailedReport, {"token": "t", "code": "c", "retry_after_seconds": -1}, "/retry_after_seconds"),
        (FailedReport, {"token": "t", "code": "c", "retry_after_seconds": 10**12}, "/retry_after_seconds"),
    ],
)
def test_what_is_not_valid_says_where(model: type[Body], body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidFields) as error:
        read(model, body)
    assert [where for where, _ in error.value.pointers] == [pointer]


async def test_what_changed_since_it_was_decided_is_sent_back(api: Api) -> None:
    old = {"fresh_until": a.NOON}
    await api.pull.insert(
        [
            pulled("same", **old),
            pulled("changed", profile_version=6, **old),
            pulled("young", profile_version=6),
            pulled("quiet", valid_until=a.NOON, **old),
            pulled("cancelled", about={"cancellation_key": "k"}, **old),
            pulled("left", about={"topic": "t"}, **old),
            pulled("critical", about={"topic": "t"}, critical=True, **old),
        ]
    )
    await api.cancellations.cancel("acme", "k")
    assert sorted(each["id"] for each in await api.take(most=100)) == ["critical", "same", "young"]
    found = await api.pull.claim(most=9)
    assert sorted(each.delivery.id for each in found) == ["cancelled", "changed", "left", "quiet"]
    assert {each.report and each.report.kind for each in found} == {ReportKind.STALE}


async def test_what_is_stale_is_no_reason_to_answer_nothing(api: Api) -> None:
    stale = {"fresh_until": 0, "profile_version": 6}
    await api.pull.insert([pulled("first", about={"accepted_at": 1}, **stale), pulled("second")])
    assert [each["id"] for each in await api.take(most=1)] == ["second"]


async def test_an_answer_that_was_lost_can_be_asked_for_again(api: Api) -> None:
    await api.pull.insert([pulled(f"d{number}") for number in range(3)])
    key = {"idempotency-key": "one"}
    first = await api.ask("/take", {"most": 1}, **key)
    assert await api.ask("/take", {"most": 1}, **key) == first
    (other,) = (await api.ask("/take", {"most": 1}, **{"idempotency-key": "two"}))[1]["deliveries"]
    assert other["id"] != first[1]["deliveries"][0]["id"]
    assert (await api.ask("/take", {}, **{"idempotency-key": ""}))[1]["code"] == "invalid_idempotency_key"


async def test_while_mongodb_is_unavailable_nothing_is_handed_out(api: Api) -> None:
    await api.pull.insert([pulled()])
    for calls in (1, 1):
        api.pull.outages.add(calls)
        assert (await api.ask("/take", {}))[0] == 503
    assert len(await api.take()) == 1


async def test_a_digest_has_what_it_gathered(api: Api) -> None:
    digest = Digest(count=12, items=(msgspec.Raw(b'{"order":"A7"}'), msgspec.Raw(b'{"order":"A8"}')))
    await api.pull.insert([pulled(digest=digest)])
    (found,) = await api.take()
    assert found["data"] == {"order": "A8"}
    assert found["digest"] == {"count": 12, "items": [{"order": "A7"}, {"order": "A8"}]}


def test_the_examples_are_what_they_say() -> None:
    for model in (TakeRequest, SentReport, FailedReport, ExtendRequest, TakenDeliveries, KeptReport, ExtendedLease):
        assert isinstance(read(model, example(model)), Body)
    with pytest.raises(InvalidFields):
        read(TakeRequest, [])
