"""Sockets and tokens of a user who is deleted, and of whoever has the id next."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from fastapi import Request

from services.gateway.identity import request_identity
from services.gateway.live.core.messages import CloseCode
from shared.http import tokens
from shared.http.problems import Problem
from shared.http.tokens import TokenVerifier
from shared.model import ids
from shared.model.inbox import Change, InboxEvent, encode
from shared.model.lives import Life
from shared.model.outputs import Output
from shared.model.users import User, in_life
from shared.process.clock import now_ms
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.support.wait import turns
from tests.unit.gateway.live_gateway import SNAPSHOTS_AT_ONCE, TOPICS, LiveGateway
from tests.unit.gateway.scenes import ANN, created, item, live, said

SECRET = "s" * 32
ERASED = encode(InboxEvent(change=Change.ERASED, items=(), at=1_000, life=1))
KEY = ids.user_key("default", "ann")


def offsets(socket) -> list[int]:
    return [message["item"]["offset"] for message in socket.told if message["type"] == "notification"]


async def test_open_sockets_of_a_deleted_user_are_closed_and_others_stay():
    gateway = LiveGateway()
    async with gateway.socket() as ann, gateway.socket("bob") as bob:
        await ann.next("hello")
        await bob.next("hello")
        await gateway.publish([Output(TOPICS.inbox, KEY, ERASED, [])])
        await ann.until(lambda: ann.code is not None)
        assert ann.code == CloseCode.UNAUTHORIZED
        assert bob.code is None


async def test_a_socket_with_a_token_of_before_is_refused_before_it_is_told_anything():
    gateway = LiveGateway()
    gateway.lives["ann"] = Life(number=1, since=5)
    async with gateway.socket() as ann:
        await ann.until(lambda: ann.code is not None)
    assert (ann.code, ann.told) == (CloseCode.UNAUTHORIZED, [])


async def test_a_successor_sees_neither_old_rows_nor_late_events_of_the_earlier_life():
    gateway = LiveGateway()
    await gateway.arrive("ann", 1, 2)
    gateway.lives["ann"], gateway.issued_at = Life(number=1, since=5), 10.0
    async with gateway.socket() as ann:
        assert (await ann.next("hello"))["unread"] == 0
        await gateway.arrive("ann", 3)
        await gateway.publish([Output(TOPICS.inbox, KEY, ERASED, [])])
        event = InboxEvent(change=Change.CREATED, items=(item(4),), at=1_000, life=1)
        await gateway.publish([Output(TOPICS.inbox, KEY, encode(event), [])])
        assert offsets(ann) == [4]
        assert ann.code is None


class Slow(MemoryInboxStore):
    """Rows are read only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def snapshot(self, user, since):
        self.asked.set()
        await self.gate.wait()
        return await super().snapshot(user, since)


@pytest.mark.parametrize(("life", "closed"), [(0, CloseCode.UNAUTHORIZED), (1, None)])
async def test_a_deletion_told_while_rows_are_read_ends_the_earlier_life_only(life, closed):
    """A deletion is told again when its call is repeated, also to whoever has the id by then."""
    store = Slow()
    gateway = LiveGateway(store)
    gateway.lives["ann"], gateway.issued_at = Life(number=life, since=5 * life), 10.0
    async with gateway.socket() as ann:
        await store.asked.wait()
        await gateway.publish([Output(TOPICS.inbox, KEY, ERASED, [])])
        store.gate.set()
        await ann.until(lambda: ann.code is not None or bool(ann.told))
        assert ann.code == closed
        assert bool(ann.told) is (closed is None)


async def test_a_repeated_deletion_does_not_end_a_life_that_is_not_known_yet():
    gateway = LiveGateway()
    gateway.lives["ann"], gateway.issued_at = Life(number=1, since=5), 10.0
    asked, gate = asyncio.Event(), asyncio.Event()

    async def lives(tenant: str, user: str) -> Life:
        asked.set()
        await gate.wait()
        return gateway.lives[user]

    gateway.context = replace(gateway.context, lives=lives)
    async with gateway.socket() as ann:
        await asked.wait()
        await gateway.publish([Output(TOPICS.inbox, KEY, ERASED, [])])
        gate.set()
        await ann.next("hello")
        assert ann.code is None


async def test_of_many_who_come_at_once_only_some_ask_for_their_life_at_once():
    gateway = LiveGateway()
    asking, most = 0, 0

    async def lives(tenant: str, user: str) -> Life:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await turns()
        asking -= 1
        return Life()

    gateway.context = replace(gateway.context, lives=lives)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(gateway.socket()) for _ in range(5 * SNAPSHOTS_AT_ONCE)]
        for socket in sockets:
            await socket.next("hello")
    assert most == SNAPSHOTS_AT_ONCE


def test_a_new_token_leaves_a_session_in_its_life():
    session = live()
    session.user = in_life(User(tenant="default", id="ann", expires_at=1e12, issued_at=9.0), Life(number=1, since=5))
    session.on_user(ANN)
    assert session.user is not None
    assert session.user.life == 1
    assert said(session.on_event(created(7))) == []


@pytest.mark.parametrize(
    ("issued_at", "life", "good"),
    [
        (100.0, Life(), True),
        (0.0, Life(), True),
        (99.9, Life(number=1, since=100_000), False),
        (100.0, Life(number=1, since=100_000), False),
        (100.9, Life(number=1, since=100_500), False),
        (101.0, Life(number=1, since=100_500), True),
    ],
)
def test_a_token_is_good_only_if_it_was_issued_after_the_deletion(issued_at: float, life: Life, good: bool):
    found = in_life(User(tenant="default", id="ann", expires_at=1e12, issued_at=issued_at), life)
    assert (found is not None) is good
    assert found is None or found.life == life.number


async def test_the_inbox_api_refuses_it_with_the_reason():
    now = now_ms()
    life = Life(number=1, since=now)

    async def lives(tenant: str, user: str) -> Life:
        return life if (tenant, user) == ("default", "ann") else Life()

    identify = request_identity(TokenVerifier(secret=SECRET), lives)
    for user, issued, good in (
        ("ann", now // 1000, False),
        ("ann", now // 1000 - 60, False),
        ("bob", now // 1000, True),
    ):
        credentials = _Credentials(tokens.mint(SECRET, tenant="default", user=user, now=issued))
        if good:
            assert (await identify(Request({"type": "http"}), credentials)).id == user
        else:
            with pytest.raises(Problem, match="deleted") as refused:
                await identify(Request({"type": "http"}), credentials)
            assert refused.value.status == 401


class _Credentials:
    def __init__(self, credentials: str) -> None:
        self.credentials = credentials
