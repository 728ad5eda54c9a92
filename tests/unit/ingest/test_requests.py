"""Idempotency over rows in memory: done once, answered again, refused when it is another call."""

from __future__ import annotations

import asyncio

import pytest
from fastapi.responses import Response

from services.ingest import idempotency
from services.ingest.calls import Answer
from services.ingest.idempotency import Requests
from shared.http.problems import Problem
from shared.model.errors import MongoUnavailable
from tests.support.twins.request_rows import MemoryRequestRows
from tests.support.wait import turns_until
from tests.unit.ingest.scenes import call


class Work:
    """What calls do; each one answers its number."""

    def __init__(self) -> None:
        self.done = 0
        self.fails: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> Answer:
        await self.open.wait()
        if self.fails:
            raise self.fails
        self.done += 1
        return Answer(status=202, body=b"%d" % self.done, headers={"Location": f"/{self.done}"})


@pytest.fixture
def rows() -> MemoryRequestRows:
    return MemoryRequestRows()


@pytest.fixture
def requests(rows: MemoryRequestRows) -> Requests:
    return Requests(rows)


def is_repeated(answer: Response) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


async def test_the_same_call_is_done_once_and_answered_alike(requests: Requests) -> None:
    work = Work()
    first, second = [await requests.once(call(), work) for _ in range(2)]
    assert work.done == 1
    assert (first.status_code, first.body, first.headers["location"]) == (202, b"1", "/1")
    assert (second.status_code, second.body, second.headers["location"]) == (202, b"1", "/1")
    assert (is_repeated(first), is_repeated(second)) == (False, True)


async def test_without_a_key_each_is_done(requests: Requests, rows: MemoryRequestRows) -> None:
    work = Work()
    for _ in range(2):
        await requests.once(call(key=None), work)
    assert (work.done, rows.rows) == (2, {})


async def test_another_tenants_key_is_another_key(requests: Requests) -> None:
    work = Work()
    for tenant in ("acme", "other"):
        assert not is_repeated(await requests.once(call(tenant=tenant), work))
    assert work.done == 2


@pytest.mark.parametrize("changes", [{"body": b"[]"}, {"ce_id": "1"}, {"content_type": "text/plain"}])
async def test_a_key_of_another_call_is_refused(requests: Requests, changes: dict) -> None:
    work = Work()
    await requests.once(call(), work)
    with pytest.raises(Problem) as refused:
        await requests.once(call(**changes), work)
    assert (refused.value.status, refused.value.code, work.done) == (422, "idempotency_key_reused", 1)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"body": b'{"a":1,"b":{"c":[1,2],"d":"x"}}'}, {"body": b'{ "b": {"d": "\\u0078", "c": [1, 2]}, "a": 1 }'}),
        ({"content_type": "application/json"}, {"content_type": "Application/JSON; charset=utf-8"}),
    ],
)
async def test_the_same_value_is_the_same_call_however_it_is_written(
    requests: Requests, first: dict, again: dict
) -> None:
    work = Work()
    await requests.once(call(**first), work)
    assert is_repeated(await requests.once(call(**again), work))
    assert work.done == 1


async def test_headers_that_change_nothing_make_no_other_call(requests: Requests) -> None:
    work = Work()
    await requests.once(call(user_agent="a"), work)
    assert is_repeated(await requests.once(call(user_agent="b"), work))


async def test_while_the_first_is_under_way_a_repeat_is_told_to_wait(
    requests: Requests, rows: MemoryRequestRows
) -> None:
    work = Work()
    work.open.clear()
    first = asyncio.create_task(requests.once(call(), work))
    await turns_until(lambda: bool(rows.rows), what="the first claims its key")
    with pytest.raises(Problem) as refused:
        await requests.once(call(), work)
    assert (refused.value.status, refused.value.code) == (409, "idempotency_in_flight")
    assert refused.value.headers["Retry-After"]
    work.open.set()
    assert (await first).body == b"1"


async def test_a_call_that_was_refused_frees_its_key(requests: Requests, rows: MemoryRequestRows) -> None:
    work = Work()
    work.fails = Problem(422, "invalid_request", "no", fix="")
    with pytest.raises(Problem):
        await requests.once(call(), work)
    assert rows.rows == {}
    work.fails = None
    assert not is_repeated(await requests.once(call(), work))


async def test_a_call_whose_client_went_away_frees_its_key(requests: Requests, rows: MemoryRequestRows) -> None:
    work = Work()
    work.open.clear()
    first = asyncio.create_task(requests.once(call(), work))
    await turns_until(lambda: bool(rows.rows), what="it claims its key")
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert rows.rows == {}


async def test_while_mongodb_is_unavailable_calls_go_on_without_asking_it_again(
    requests: Requests, rows: MemoryRequestRows
) -> None:
    work = Work()
    rows.outages.add()
    for _ in range(2):
        assert (await requests.once(call(), work)).status_code == 202
    assert (work.done, rows.rows, rows.outages.met) == (2, {}, True)


async def test_after_a_while_mongodb_is_asked_again(
    requests: Requests, rows: MemoryRequestRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "SKIP_SECONDS", 0.0)
    work = Work()
    rows.outages.add()
    answers = [await requests.once(call(), work) for _ in range(3)]
    assert [is_repeated(answer) for answer in answers] == [False, False, True]


async def test_an_answer_that_could_not_be_kept_is_given_all_the_same(
    requests: Requests, rows: MemoryRequestRows
) -> None:
    work = Work()

    async def lose_mongodb() -> Answer:
        rows.outages.add()
        return await work()

    assert (await requests.once(call(), lose_mongodb)).body == b"1"
    assert [row["state"] for row in rows.rows.values()] == ["in_flight"], "its lease frees it"


async def test_an_outage_of_what_the_call_needs_is_the_callers_to_hear(requests: Requests) -> None:
    work = Work()
    work.fails = MongoUnavailable("no primary")
    with pytest.raises(MongoUnavailable):
        await requests.once(call(), work)
