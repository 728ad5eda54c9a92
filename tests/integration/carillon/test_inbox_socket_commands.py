"""Commands on an InboxSocket: answered, repeated where that is safe, and in order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

import pytest

from carillon import CommandRejectedError, UnreachableError
from tests.integration.carillon.scripted_gateway import ScriptedGateway, Visit, take


async def test_each_waits_for_its_own_answer(gateway: ScriptedGateway):
    heard = []

    async def visit(visit: Visit) -> None:
        await visit.greet()
        heard.extend([await visit.hear() for _ in range(10)])
        for command in reversed(heard):
            await visit.say("ok", ref=command["ref"], updated=int(command["ref"]))

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        answers = await asyncio.gather(
            inbox.read(["a"]),
            inbox.unread(["b"]),
            inbox.seen(["c"]),
            inbox.archive(["d"]),
            inbox.unarchive(["e"]),
            inbox.delete(["f", "g"]),
            inbox.read_all(),
            inbox.read_all("new_message"),
            inbox.snooze(["h"], datetime(2026, 1, 6, 9, tzinfo=timezone(timedelta(hours=1)))),
            inbox.unsnooze(["i"]),
        )
        with pytest.raises(ValueError, match="needs a zone"):
            await inbox.snooze(["h"], datetime(2026, 1, 6, 9))  # noqa: DTZ001  # that is what is wrong
    assert answers == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert [{name: value for name, value in one.items() if name != "ref"} for one in heard] == [
        {"type": "read", "ids": ["a"]},
        {"type": "unread", "ids": ["b"]},
        {"type": "seen", "ids": ["c"]},
        {"type": "archive", "ids": ["d"]},
        {"type": "unarchive", "ids": ["e"]},
        {"type": "delete", "ids": ["f", "g"]},
        {"type": "read", "all": True},
        {"type": "read", "all": True, "notification_type": "new_message"},
        {"type": "snooze", "ids": ["h"], "until": 1767686400000},
        {"type": "unsnooze", "ids": ["i"]},
    ]


async def test_after_a_lost_connection_they_are_repeated_in_order_but_for_read_all(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.greet()
        for _ in range(3):
            await visit.hear()
        visit.cut_off()

    repeated = []

    async def second(visit: Visit) -> None:
        await visit.greet()
        repeated.extend([(await visit.answer())["type"] for _ in range(3)])

    gateway.script = [first, second]
    async with gateway.inbox() as inbox:
        asked = [asyncio.ensure_future(one) for one in (inbox.read(["a"]), inbox.read_all(), inbox.unread(["a", "b"]))]
        with pytest.raises(UnreachableError, match="may have been done"):
            await asked[1]
        assert await inbox.delete(["a"]) == 1
        assert [await asked[0], await asked[2]] == [1, 2]
    assert repeated == ["read", "unread", "delete"]


async def test_read_all_that_was_not_sent_yet_waits_for_a_connection(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.hear()
        visit.cut_off()

    async def second(visit: Visit) -> None:
        await visit.greet()
        await visit.answer()

    gateway.script = [first, second]
    async with gateway.inbox() as inbox:
        assert await inbox.read_all() == 7


async def test_what_is_unavailable_is_repeated_and_what_is_wrong_is_raised(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        command = await visit.hear()
        await visit.say("error", code="temporarily_unavailable", detail="repeat it", ref=command["ref"])
        assert (await visit.answer())["ids"] == ["a"]
        command = await visit.hear()
        await visit.say("error", code="bad_command", detail="ids: too long", ref=command["ref"])
        command = await visit.hear()
        await visit.say("error", code="temporarily_unavailable", detail="repeat it", ref=command["ref"])
        await visit.say("error", code="unauthorized", detail="nobody asked", ref=None)
        await visit.notify(0)

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        assert await inbox.read(["a"]) == 1
        with pytest.raises(CommandRejectedError, match=r"seen: ids: too long\. Next: mend the call") as raised:
            await inbox.seen(["x"])
        assert raised.value.code == "bad_command"
        with pytest.raises(CommandRejectedError, match=r"read: repeat it\. Next: call it again"):
            await inbox.read_all()
        await take(inbox, 2)


async def test_more_than_the_gateway_takes_at_once_wait_for_their_turn(gateway: ScriptedGateway):
    """It would end the connection after 100."""

    async def visit(visit: Visit) -> None:
        await visit.greet()
        loop = asyncio.get_running_loop()
        left, at = 99.0, loop.time()
        for _ in range(75):
            await visit.answer()
            left, at = left - 1 + (loop.time() - at) * 20, loop.time()
            assert left > 30

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        assert await asyncio.gather(*(inbox.seen([f"i{number}"]) for number in range(75))) == [1] * 75


async def test_without_an_answer_it_says_so_in_time(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.gone()

    gateway.script = [visit]
    async with gateway.inbox(patience=0.1) as inbox:
        with pytest.raises(UnreachableError, match=r"read was not acknowledged within 0\.1 s: it may have been done"):
            await inbox.read(["a"])


async def test_a_cancelled_command_is_not_sent_any_more(gateway: ScriptedGateway):
    proceed = asyncio.Event()

    async def visit(visit: Visit) -> None:
        await proceed.wait()
        await visit.greet()
        assert (await visit.answer())["type"] == "seen"

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        asking = asyncio.ensure_future(inbox.delete(["a"]))
        await gateway.visited(1)
        asking.cancel()
        proceed.set()
        assert await inbox.seen(["b"]) == 1


async def test_what_cannot_be_sent_is_told_before(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        for ids, wrong in (([], ValueError), (["i"] * 101, ValueError), ("i1", TypeError)):
            with pytest.raises(wrong):
                await inbox.read(ids)
        with pytest.raises(ValueError, match="a message at most 65536"):
            await inbox.read(["i" * 66_000])
        await take(inbox, 1)
    inbox = gateway.inbox()
    for call in (inbox.read(["a"]), anext(inbox)):
        with pytest.raises(RuntimeError, match="context manager"):
            await call
