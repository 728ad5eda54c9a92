"""`/t/{token}`: the pixel, the way on, and nothing else; a statistic keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import FastAPI

from services.gateway.tracking.api import PIXEL, tracking_routes
from services.gateway.tracking.tracker import MAX_KNOWN, TrackedState, Tracker
from shared.model.errors import KafkaUnavailable
from shared.model.outputs import Output
from shared.model.topics import Topics
from shared.model.tracking import TrackedLink, sign_tracked
from shared.process.gateway_metrics import TRACKED
from tests.support.asgi import AsgiAnswer, ask_app

SECRET = b"x" * 24
URL = "https://shop.example.com/a?x=1&y=é"


class Rows:
    """The one query of the ledger, answered."""

    deliveries: Any

    def __init__(self, row: dict[str, Any] | None) -> None:
        self.deliveries, self.row, self.asked = self, row, 0

    async def find_one(self, place: dict[str, str], _: object) -> dict[str, Any] | None:
        self.asked += 1
        return self.row if place == {"_id": "d", "tenant": "acme"} else None


class Log:
    def __init__(self) -> None:
        self.written: list[Output] = []
        self.fails = False

    async def publish(self, outputs: Sequence[Output]) -> None:
        if self.fails:
            raise KafkaUnavailable("away")
        self.written += outputs


ROW = {"user": "ada", "notification": "n", "channel": "email", "step": "notify", "workflow": "w", "variant": "b"}


class Reader:
    """A mail program on the routes."""

    def __init__(self, row: dict[str, Any] | None = ROW) -> None:
        self.rows, self.log = Rows(row), Log()
        self.tracker = Tracker(self.rows, self.log, Topics())  # type: ignore[arg-type]
        self._app = FastAPI()
        self._app.include_router(tracking_routes(self.tracker, [SECRET]))

    async def ask(self, token: str, method: str = "GET") -> AsgiAnswer:
        return await ask_app(self._app, method, f"/t/{token}")


def token(**more: Any) -> str:
    signed = sign_tracked(TrackedLink(**({"tenant": "acme", "delivery": "d"} | more)), SECRET)
    assert signed is not None
    return signed


async def test_the_pixel_and_the_way_on_each_tell_once() -> None:
    reader = Reader()
    for _ in range(3):
        pixel = await reader.ask(token())
        assert (pixel.status, pixel.body, pixel.headers["content-type"]) == (200, PIXEL, "image/gif")
        on = await reader.ask(token(url=URL))
        assert (on.status, on.headers["location"]) == (302, "https://shop.example.com/a?x=1&y=%C3%A9")
        assert {answer.headers["cache-control"] for answer in (pixel, on)} == {"no-store"}
    told = [dict(output.headers) for output in reader.log.written]
    assert [each["ce_type"] for each in told] == [b"carillon.message.opened", b"carillon.message.clicked"]
    assert {each["ce_subject"] for each in told} == {b"d"}
    assert b"shop.example" not in b"".join(output.value or b"" for output in reader.log.written)
    assert b'"variant":"b"' in (reader.log.written[0].value or b"")
    assert reader.rows.asked == 2


@pytest.mark.parametrize("wrong", ["x", "x.y", token()[:-2], token() + "A", f"{token()}/more", "a" * 2_000])
async def test_nobody_finds_another_way_out(wrong: str) -> None:
    reader = Reader()
    answer = await reader.ask(wrong)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert reader.log.written == []


async def test_whoever_looks_at_the_head_alone_reads_nothing() -> None:
    reader = Reader()
    await reader.ask(token(), "HEAD")
    assert reader.log.written == []


async def test_while_nothing_can_be_published_everybody_goes_on() -> None:
    lost = TRACKED.labels("clicked", "lost")._value.get()
    reader = Reader()
    reader.log.fails = True
    assert (await reader.ask(token(url=URL))).status == 302
    assert TRACKED.labels("clicked", "lost")._value.get() == lost + 1
    reader.log.fails = False
    assert (await reader.ask(token(url=URL))).status == 302
    assert len(reader.log.written) == 1


async def test_what_is_not_kept_any_more_tells_nothing() -> None:
    reader = Reader(None)
    assert (await reader.ask(token(url=URL))).status == 302
    assert reader.log.written == []


async def test_what_is_known_to_be_published_is_bounded() -> None:
    tracker = Reader().tracker
    tracker._published.update({(str(number), 0, TrackedState.OPENED): None for number in range(MAX_KNOWN)})
    await tracker.tell(TrackedLink(tenant="acme", delivery="d"))
    assert len(tracker._published) == MAX_KNOWN
