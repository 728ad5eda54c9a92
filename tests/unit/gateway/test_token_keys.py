"""When the keys are fetched, and what counts while none come."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from services.gateway.keys.endpoint import KeysUnavailable
from services.gateway.keys.key_set import KeySet, parse_key_set
from services.gateway.keys.token_keys import TokenKeys
from shared.process.gateway_metrics import TOKEN_KEY_FETCHES
from tests.support.token_keys import Signer, key_set
from tests.support.wait import turns, turns_until

OLD, NEW = parse_key_set(key_set(Signer("old"))), parse_key_set(key_set(Signer("new")))


class Endpoint:
    """Answers `answer`, once `gate` is open."""

    def __init__(self) -> None:
        self.answer: KeySet | None = OLD
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> KeySet:
        self.asked += 1
        await self.gate.wait()
        if self.answer is None:
            raise KeysUnavailable("the endpoint of the key set answered 503")
        return self.answer


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


def fetches(result: str) -> float:
    return TOKEN_KEY_FETCHES.labels(result)._value.get()


async def test_all_who_wait_wait_for_one_fetch_and_who_gives_up_takes_it_from_nobody(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch)
    endpoint.gate.clear()
    hasty, *patient = [asyncio.create_task(call()) for call in [keys.refresh, *[keys.renew] * 50]]
    await turns()
    hasty.cancel()
    endpoint.gate.set()
    assert await asyncio.gather(*patient) == [True] * 50
    assert (endpoint.asked, keys.find("old") is not None) == (1, True)


async def test_unknown_keys_are_asked_for_at_most_once_in_a_while(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch)
    await keys.refresh()
    assert [await keys.renew() for _ in range(1_000)] == [False] * 1_000
    assert endpoint.asked == 1
    keys = TokenKeys(endpoint.fetch, unknown_seconds=0)
    endpoint.answer = NEW
    assert await keys.renew()
    assert keys.find("new")
    endpoint.answer = None
    assert not await keys.renew()
    assert keys.find("new")


async def test_a_fetch_that_failed_counts_as_one(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch)
    endpoint.answer = None
    with pytest.raises(KeysUnavailable):
        await keys.refresh()
    assert not await keys.renew()
    assert endpoint.asked == 1


async def test_without_a_set_it_is_not_ready_and_with_one_it_stays_so(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch)
    assert keys.find("old") is None
    assert "CARILLON_TOKEN_JWKS_URL" in str(await keys.known())
    await keys.refresh()
    endpoint.answer = None
    with pytest.raises(KeysUnavailable):
        await keys.refresh()
    assert await keys.known() is True
    assert keys.find("old")


async def test_it_is_renewed_in_the_background_and_after_a_failure_sooner(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch, seconds=0.01, again_seconds=0.001)
    await keys.refresh()
    running = asyncio.create_task(keys.run())
    endpoint.answer = NEW
    await turns_until(lambda: keys.find("new") is not None, what="the new set")
    assert keys.find("old") is None
    endpoint.answer, failed = None, fetches("failed")
    await turns_until(lambda: fetches("failed") >= failed + 3, what="three failures")
    endpoint.answer = OLD
    await turns_until(lambda: keys.find("old") is not None, what="the old set again")
    assert not running.done()
    running.cancel()
    await keys.close()


async def test_since_when_the_keys_are_old_is_said(endpoint: Endpoint, clock) -> None:
    keys = TokenKeys(endpoint.fetch)
    await keys.refresh()
    endpoint.answer, failed = None, fetches("failed")
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                await keys.refresh()
            clock.shift(60)
        endpoint.answer = OLD
        await keys.refresh()
    assert [line["event"] for line in lines] == ["token_keys_old", "token_keys_old", "token_keys"]
    assert lines[0]["since"] == lines[1]["since"] == "2026-01-05T12:00:00.000Z"
    assert lines[0]["error"] == "the endpoint of the key set answered 503"
    assert fetches("failed") == failed + 2


async def test_what_is_fetched_when_it_ends_is_given_up(endpoint: Endpoint) -> None:
    keys = TokenKeys(endpoint.fetch)
    endpoint.gate.clear()
    waiting = asyncio.create_task(keys.refresh())
    await turns()
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
