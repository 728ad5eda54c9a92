"""The client against a real HTTP server that can be told how to answer."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from carillon import AsyncClient, ProblemError, UnreachableError
from sandbox.free_ports import free_ports
from tests.integration.carillon.platform import ACCEPTED


async def test_a_notification_is_sent_as_the_api_takes_it(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        at = datetime.fromisoformat("2026-01-05T08:00:00+01:00")
        answer = await carillon.notify("order.shipped", ["ana", {"email": "b@example.com"}], deliver_at=at)
    assert answer == ACCEPTED
    method, path, headers, body = platform.asked[0]
    assert (method, path) == ("POST", "/v1/notifications")
    assert headers["Authorization"] == "Bearer ck_x"
    assert body == {
        "workflow": "order.shipped",
        "recipients": ["ana", {"email": "b@example.com"}],
        "data": {},
        "deliver_at": "2026-01-05T07:00:00.000Z",
    }


@pytest.mark.parametrize(
    "first", [(408, {}), (429, {"Retry-After": "0"}), (500, {}), (503, {}), (409, {"Retry-After": "0"}), None]
)
async def test_retries_share_one_idempotency_key(platform, first):
    platform.answers = [first, first]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        assert await carillon.notify("order.shipped", ["ana"]) == ACCEPTED
        assert await carillon.notify("order.shipped", ["ana"]) == ACCEPTED
    assert len(platform.keys) == 4
    assert len(set(platform.keys[:3])) == 1
    assert platform.keys[0]
    assert platform.keys[3] != platform.keys[0]


async def test_retry_after_is_waited_for(platform):
    platform.answers = [(503, {"Retry-After": "1"})]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        begun = time.monotonic()
        await carillon.cancel("k")
    assert time.monotonic() - begun >= 0.9
    assert [(path, body) for _, path, _, body in platform.asked] == [
        ("/v1/notifications/cancel", {"cancellation_key": "k"})
    ] * 2


async def test_what_it_supersedes_goes_along(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        await carillon.notify("order.shipped", ["ana"], supersedes="0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10")
    assert platform.asked[0][3]["supersedes"] == "0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10"


async def test_a_withdrawal_says_so(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        await carillon.cancel("k", withdraw=True)
    assert platform.asked[0][3] == {"cancellation_key": "k", "withdraw": True}


@pytest.mark.parametrize("refusal", [(422, {}), (401, {}), (404, {}), (409, {}), (503, {"Retry-After": "3600"})])
async def test_what_a_retry_cannot_change_is_raised_at_once_with_its_document(platform, refusal):
    platform.answers = [refusal]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(ProblemError) as caught:
            await carillon.notify("order.shipped", ["ana"])
    assert len(platform.asked) == 1
    assert (caught.value.status, caught.value.code, caught.value.fix) == (refusal[0], "told_to", "none")


async def test_what_asks_for_more_than_the_patience_left_is_not_waited_for(platform):
    platform.answers = [(503, {"Retry-After": "2"})]
    async with AsyncClient(platform.url, "ck_x", patience=1) as carillon:
        with pytest.raises(ProblemError) as caught:
            await carillon.notify("order.shipped", ["ana"])
    assert caught.value.retry_after == 2
    assert len(platform.asked) == 1


async def test_a_retry_after_that_is_no_number_of_seconds_is_left_out(platform):
    platform.answers = [(503, {"Retry-After": "²"}), (503, {"Retry-After": "Mon, 05 Jan 2026 08:00:00 GMT"})]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        assert await carillon.notify("order.shipped", ["ana"]) == ACCEPTED
    assert len(platform.asked) == 3


async def test_patience_ends(platform):
    platform.answers = [(503, {})] * 1000
    async with AsyncClient(platform.url, "ck_x", patience=0.5) as carillon:
        with pytest.raises(ProblemError):
            await carillon.notify("order.shipped", ["ana"])
    assert 1 < len(platform.asked) < 20


async def test_nobody_there_is_said_so():
    async with AsyncClient(f"http://127.0.0.1:{free_ports(1)[0]}", "ck_x", patience=0.2) as carillon:
        with pytest.raises(UnreachableError):
            await carillon.get_user("ana")


async def test_events_become_a_batch_with_ids_that_retries_keep(platform):
    platform.answers = [(500, {})]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        await carillon.send_events(
            [{"type": "com.example.a", "source": "/shop"}, {"id": "7", "type": "b", "source": "/"}]
        )
    (_, _, headers, first), (_, _, _, second) = platform.asked
    assert headers["Content-Type"] == "application/cloudevents-batch+json"
    assert first == second
    assert [event["specversion"] for event in first] == ["1.0", "1.0"]
    assert first[0]["id"]
    assert first[1]["id"] == "7"


async def test_users_are_quoted_into_the_path(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        await carillon.put_user("a/b ü", {"locale": "de"})
        await carillon.timeline("../x")
        await carillon.get_user("..")
        await carillon.get_user(".")
        await carillon.get_user("100%2F")
    assert [path for _, path, _, _ in platform.asked] == [
        "/v1/users/a%2Fb%20%C3%BC",
        "/v1/notifications/..%2Fx/timeline",
        "/v1/users/..",
        "/v1/users/.",
        "/v1/users/100%252F",
    ]


async def test_a_path_of_the_platforms_address_is_kept(platform):
    async with AsyncClient(f"{platform.url}/notify ü/", "ck_x") as carillon:
        await carillon.get_user("ana")
    assert platform.asked[0][1] == "/notify%20%C3%BC/v1/users/ana"


async def test_it_is_entered_once_at_a_time_and_again_after_it_was_left(platform):
    client = AsyncClient(platform.url, "ck_x")
    for _ in range(2):
        async with client:
            with pytest.raises(RuntimeError, match="entered already"):
                await client.__aenter__()
            await client.get_user("ana")
        with pytest.raises(RuntimeError, match="as a context manager"):
            await client.get_user("ana")
    assert len(platform.asked) == 2


async def test_a_naive_time_is_refused_before_anything_is_sent(platform):
    async with AsyncClient(platform.url, "ck_x") as carillon:
        with pytest.raises(ValueError, match="zone"):
            await carillon.notify("w", ["ana"], deliver_at=datetime(2026, 1, 5))  # noqa: DTZ001  # naive on purpose
    assert platform.asked == []


async def test_a_sender_takes_and_reports(platform):
    delivery = {"id": "d/1", "token": "t"}
    platform.answers = [(200, {}, b'{"deliveries": [{"id": "d/1", "token": "t"}]}')]
    async with AsyncClient(platform.url, "ck_x") as carillon:
        assert await carillon.take(5, workflow="call") == [delivery]
        await carillon.sent(delivery, receipt="SM1")
        await carillon.failed(delivery, "busy", retry_after_seconds=9)
        await carillon.extend(delivery, lease_seconds=20)
    path = "/v1/pull/deliveries"
    assert [(asked[1], asked[3]) for asked in platform.asked] == [
        (f"{path}/take", {"most": 5, "lease_seconds": 60, "workflow": "call"}),
        (f"{path}/d%2F1/sent", {"token": "t", "receipt": "SM1"}),
        (f"{path}/d%2F1/failed", {"token": "t", "code": "busy", "retryable": True, "retry_after_seconds": 9}),
        (f"{path}/d%2F1/extend", {"token": "t", "lease_seconds": 20}),
    ]
    assert all(platform.keys)
