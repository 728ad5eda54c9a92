"""Sockets and tokens of a user who is deleted, and of whoever has the id next."""

from __future__ import annotations

import pytest

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
from tests.unit.gateway.live_gateway import TOPICS, LiveGateway
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
            assert (await identify(credentials)).id == user
        else:
            with pytest.raises(Problem, match="deleted") as refused:
                await identify(credentials)
            assert refused.value.status == 401


class _Credentials:
    def __init__(self, credentials: str) -> None:
        self.credentials = credentials
