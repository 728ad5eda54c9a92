"""Who has no profile is named in the 202 where that is known at once, and where it is not the 202 is the same without."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import orjson
import pytest

from services.ingest import unknown_users
from services.ingest.acceptance import Acceptance
from services.ingest.models.notifications import read_send
from services.ingest.sending import NotificationSender
from services.ingest.unknown_users import KnownUsers, UnknownUsers, found_by
from shared.http.problems import Problem
from shared.model.errors import KafkaUnavailable, MongoUnavailable
from shared.model.topics import Topics
from tests.support import samples as a
from tests.support.twins.cancellations import MemoryCancellations
from tests.support.twins.catalog import MemoryCatalog
from tests.support.twins.fanouts import MemoryFanouts
from tests.support.twins.outbox import MemoryOutbox
from tests.support.twins.sink import MemorySink
from tests.support.wait import turns
from tests.unit.ingest.scenes import LONG, call, committing

RECIPIENTS = ["ada", "bob", {"email": "eve@example.com"}, "kim"]


class Profiles:
    """Ada's, and nobody else's."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.ended = False

    async def known(self, tenant: str, users: Sequence[str]) -> Collection[str]:
        self.asked.append((tenant, list(users)))
        try:
            await self.answers.wait()
        finally:
            self.ended = True
        return {"ada"}


async def sent(known: KnownUsers, *, times: int = 1, broken: bool = False) -> list[dict[str, object]]:
    catalog, log, outbox = MemoryCatalog(), MemorySink(), MemoryOutbox()
    catalog.publish("acme", a.workflow())
    await catalog.load()
    body = {"workflow": "order.shipped", "recipients": RECIPIENTS}
    async with committing(log, KafkaUnavailable) as first, committing(outbox, MongoUnavailable) as second:
        sender = NotificationSender(
            acceptance=Acceptance(log=first, outbox=second, outbox_seconds=LONG),
            catalog=catalog,
            cancellations=MemoryCancellations(),
            fanouts=MemoryFanouts(),
            topics=Topics(),
            unknown_users=UnknownUsers(known),
        )
        if broken:
            log.broken = KafkaUnavailable("no broker")
            outbox.outages.add()
        try:
            asked = [call(orjson.dumps(body)) for _ in range(times)]
            answers = [await sender.send(each, read_send(body, a.NOON), trace=None, now=a.NOON) for each in asked]
        finally:
            log.broken = None
    return [orjson.loads(answer.body) for answer in answers]


async def test_those_without_a_profile_are_named() -> None:
    profiles = Profiles()
    (answer,) = await sent(profiles.known)
    assert answer["unknown_users"] == ["bob", "kim"]
    assert profiles.asked == [("acme", ["ada", "bob", "kim"])], "one look, and none for who is only an address"


async def test_who_sends_many_calls_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_users, "LOOK_SECONDS", LONG)
    profiles = Profiles()
    answers = await sent(profiles.known, times=50)
    assert ["unknown_users" in answer for answer in answers] == [True] + [False] * 49
    assert len(profiles.asked) == 1


@pytest.mark.parametrize(("passed", "told"), [(unknown_users.FEW_CALLS, True), (unknown_users.FEW_CALLS + 1, False)])
async def test_after_many_calls_without_a_look_the_next_but_one_is_far(
    monkeypatch: pytest.MonkeyPatch, passed: int, told: bool
) -> None:
    looks = UnknownUsers(Profiles().known)
    monkeypatch.setattr(unknown_users, "LOOK_SECONDS", LONG)
    begun = [looks.begin("acme", ["bob"]) for _ in range(passed + 1)]
    looks._next = 0.0  # that long has passed
    monkeypatch.setattr(unknown_users, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(unknown_users, "BUSY_SECONDS", LONG)
    begun += [looks.begin("acme", ["bob"]) for _ in range(2)]
    found = [await found_by(each) for each in begun]
    assert found == [["bob"], *[[]] * passed, ["bob"], ["bob"] if told else []]


async def test_where_mongodb_is_unavailable_nobody_is_named() -> None:
    async def known(_: str, __: Sequence[str]) -> Collection[str]:
        raise MongoUnavailable("no primary")

    (answer,) = await sent(known)
    assert "unknown_users" not in answer
    assert answer["durability"] == "log"


async def test_nobody_waits_for_a_look_that_takes_long() -> None:
    profiles = Profiles()
    profiles.answers.clear()
    (answer,) = await sent(profiles.known)
    assert "unknown_users" not in answer
    await turns()
    assert profiles.ended


async def test_a_look_ends_with_the_call_that_began_it() -> None:
    profiles = Profiles()
    profiles.answers.clear()
    with pytest.raises(Problem):
        await sent(profiles.known, broken=True)
    await turns()
    assert profiles.ended or not profiles.asked
