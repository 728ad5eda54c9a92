"""Backends: who is one, and what they are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.gateway.socketio.backends import MAX_AT_ONCE, Backends, presence_key
from services.gateway.socketio.bookings import BookingOutcome, BookingRejected, SentBooking
from shared.model.errors import MongoUnavailable
from shared.mongo.api_keys import Principal, Scope
from tests.support.wait import turns

KEY = "ck_good"


class Bookings:
    """A BookingSender in memory: what is sent waits until `reached` is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.reached = asyncio.Event()

    async def send(self, tenant: str, key: str, data: Any) -> SentBooking:
        if data == {}:
            raise BookingRejected("it is empty")
        self.sent.append((tenant, key, data))
        return SentBooking(tenant, "2", f"n{len(self.sent)}")

    async def outcome(self, _: SentBooking) -> BookingOutcome:
        await self.reached.wait()
        return BookingOutcome.DELIVERED


class Stage:
    def __init__(self, *, sends: bool = True) -> None:
        self.said: list[tuple[str, dict]] = []
        self.bookings = Bookings()
        self.backends = Backends(self._principal, self.bookings if sends else None, self._emit)

    async def _principal(self, key: str) -> Principal | None:
        if key == "unavailable":
            raise MongoUnavailable("the test says so")
        scopes = {KEY: Scope.SEND, "ck_other": Scope.USERS}
        return Principal(key_id="1", tenant="t", scopes=frozenset({scopes[key]})) if key in scopes else None

    async def _emit(self, _: str, name: str, data: dict) -> None:
        self.said.append((name, data))


@pytest.mark.parametrize("shown", [None, "x", {}, {"token": 1}, {"token": "ck_other"}, {"token": "unavailable"}])
async def test_who_shows_no_good_key_is_none(shown: object) -> None:
    stage = Stage()
    assert not await stage.backends.connect("s", shown)
    assert "s" not in stage.backends
    [(name, data)] = stage.said
    assert name == "auth_error"
    assert data["error"]


async def test_where_nobody_may_send_a_good_key_is_none_either() -> None:
    stage = Stage(sends=False)
    assert not await stage.backends.connect("s", {"token": KEY})
    assert "CARILLON_SOCKETIO_INGEST_URL" in stage.said[0][1]["error"]


async def test_bookings_do_not_wait_for_one_another_but_for_too_many() -> None:
    stage = Stage()
    assert await stage.backends.connect("s", {"token": KEY})
    for number in range(MAX_AT_ONCE):
        await stage.backends.book("s", {"booking_id": number})
    await stage.backends.book("s", {"booking_id": "over"})
    assert stage.said[-1] == (
        "notification_error",
        {"error": "too many at once; send it again", "booking_id": "over"},
    )
    await turns()
    assert len(stage.bookings.sent) == MAX_AT_ONCE
    assert stage.bookings.sent[0] == ("t", KEY, {"booking_id": 0})
    stage.bookings.reached.set()
    await turns()
    delivered = [data["booking_id"] for name, data in stage.said if name == "notification_delivered"]
    assert delivered == list(range(MAX_AT_ONCE))
    await stage.backends.book("s", {})
    await turns()
    assert stage.said[-1] == ("notification_error", {"error": "it is empty"})


async def test_who_is_gone_is_told_nothing() -> None:
    stage = Stage()
    await stage.backends.connect("s", {"token": KEY})
    await stage.backends.book("s", {"booking_id": 1})
    await turns()
    stage.backends.disconnect("s")
    stage.backends.disconnect("s")
    stage.bookings.reached.set()
    await turns()
    assert [name for name, _ in stage.said] == ["backend_auth_success"]
    assert "s" not in stage.backends


async def test_a_tenants_backends_are_told_of_from_the_first_to_the_last() -> None:
    stage = Stage()
    key, told = presence_key("t"), []
    stage.backends.changed = lambda changed: told.append((changed, stage.backends.is_connected(key)))
    for sid in ("1", "2", "2"):
        assert await stage.backends.connect(sid, {"token": KEY})
    assert told[0] == (key, True)
    stage.backends.disconnect("1")
    stage.backends.disconnect("1")
    assert stage.backends.is_connected(key)
    stage.backends.disconnect("2")
    assert told[-1] == (key, False)
    assert not stage.backends.is_connected(key)


async def test_a_second_key_of_the_same_client_loses_no_booking() -> None:
    stage = Stage()
    for number in range(2):
        assert await stage.backends.connect("s", {"token": KEY})
        await stage.backends.book("s", {"booking_id": number})
    stage.backends.disconnect("s")
    stage.bookings.reached.set()
    await turns()
    assert [name for name, _ in stage.said] == ["backend_auth_success"] * 2


async def test_who_is_gone_before_their_key_was_looked_up_is_no_backend() -> None:
    stage = Stage()
    may_look, look = asyncio.Event(), stage.backends._principal

    async def slowly(key: str) -> Principal | None:
        await may_look.wait()
        return await look(key)

    stage.backends._principal = slowly
    connecting = asyncio.create_task(stage.backends.connect("s", {"token": KEY}))
    await turns()
    stage.backends.disconnect("s")
    may_look.set()
    assert not await connecting
    assert stage.said == []
    assert not stage.backends.is_connected(presence_key("t"))
