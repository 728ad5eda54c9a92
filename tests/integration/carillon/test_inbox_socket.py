"""InboxSocket against a gateway that the test plays: what it yields, and how it comes back."""

from __future__ import annotations

import asyncio
import time

import pytest

from carillon import Changed, Hello, Live, Notified, Reset
from carillon.sockets.events import ChangedItem, InboxCounts
from tests.integration.carillon.scripted_gateway import (
    ScriptedGateway,
    Visit,
    counts,
    offsets,
    take,
    tasks_of_the_client,
)
from tests.support.wait import until


async def test_events_are_typed_and_what_is_unknown_is_ignored(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        auth = await visit.greet(session="s1", colour="blue")
        assert auth == {"type": "auth", "token": "t1", "cursor": "stored"}
        await visit.notify(3, replay=True)
        await visit.say("confetti", cursor="never")
        await visit.socket.send(b"\x00binary")
        await visit.say("live", cursor="c-live")
        state = {"id": "i3", "read_at": 5, "updated_at": 6, "mood": "good"}
        await visit.say(
            "state", change="read", items=[state], cursor="c-state", unread=0, unseen=2, as_of={"offset": 3, "at": 7}
        )

    gateway.script = [visit]
    async with gateway.inbox(cursor="stored") as inbox:
        assert inbox.cursor == "stored"
        hello, notified, live, changed = await take(inbox, 4)
        assert inbox.cursor == "c-state"
    assert hello == Hello(
        cursor="c-hello", counts=InboxCounts(unread=0, unseen=None, as_of=(0, 1)), user="ana", session="s1"
    )
    assert isinstance(notified, Notified)
    assert (notified.item.id, notified.item.title, notified.replay, notified.cursor) == ("i3", "title 3", True, "c3")
    assert live == Live(cursor="c-live")
    item = ChangedItem(
        id="i3",
        seen_at=None,
        read_at=5,
        archived_at=None,
        deleted_at=None,
        updated_at=6,
        document={"id": "i3", "read_at": 5, "updated_at": 6, "mood": "good"},
    )
    assert changed == Changed(
        change="read", items=(item,), counts=InboxCounts(unread=0, unseen=2, as_of=(3, 7)), cursor="c-state"
    )


async def test_cut_off_in_the_middle_of_a_message_it_resumes_and_repeats_nothing(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(0, 1)
        visit.cut_off()

    async def second(visit: Visit) -> None:
        assert (await visit.greet("c1"))["cursor"] == "c1"
        await visit.notify(1, 2)  # 1 a second time

    gateway.script = [first, second]
    async with gateway.inbox() as inbox:
        await gateway.visited(2)  # nothing is taken yet: it resumes behind what it has kept
        events = await take(inbox, 5)
    assert offsets(events) == [0, 1, 2]
    assert [type(event) for event in events] == [Hello, Notified, Notified, Hello, Notified]


async def test_after_a_reset_smaller_offsets_are_new(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(7)
        await visit.say("reset", reason="unknown_cursor")
        await visit.say("hello", cursor="c-fresh", user="ana", **counts())
        await visit.notify(0)

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        events = await take(inbox, 5)
    assert offsets(events) == [7, 0]
    assert events[2] == Reset(reason="unknown_cursor")


async def test_a_restart_is_waited_for_as_long_as_it_says(gateway: ScriptedGateway):
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.say("reconnect", after_ms=300)
        await visit.socket.close(1012, "restarting")

    returned = []

    async def second(visit: Visit) -> None:
        returned.append(time.monotonic())
        assert (await visit.greet())["cursor"] == "c-hello"

    gateway.script = [first, second]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        began = time.monotonic()
        await take(inbox, 1)
    assert returned[0] - began > 0.25


@pytest.mark.parametrize("code", [1001, 1011, 1012, 4008, 4408])
async def test_these_ends_bring_it_back_with_its_cursor(gateway: ScriptedGateway, code: int):
    async def first(visit: Visit) -> None:
        await visit.greet()
        await visit.notify(0)
        await visit.socket.close(code, "again")

    async def second(visit: Visit) -> None:
        assert (await visit.greet("c0"))["cursor"] == "c0"
        await visit.notify(1)

    gateway.script = [first, second]
    async with gateway.inbox() as inbox:
        assert offsets(await take(inbox, 4)) == [0, 1]


async def test_it_waits_for_a_gateway_that_refuses_the_handshake_for_now(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()

    gateway.answers = [(503, {"Retry-After": "0"}), (502, {}), (429, {})]
    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
    assert gateway.answers == []


async def test_a_token_is_renewed_in_band(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.say("token_expiring", seconds=30)
        assert await visit.hear() == {"type": "auth", "token": "t2"}
        await visit.say("ok", **{"for": "auth"}, ref=None)
        await visit.notify(0)

    gateway.script = [visit]
    async with gateway.inbox("t1", "t2") as inbox:
        assert offsets(await take(inbox, 2)) == [0]
    assert gateway.visits == 1


async def test_a_token_that_does_not_change_is_not_sent_again_and_again(gateway: ScriptedGateway):
    """A gateway that is shown one that is about to expire says so at once."""

    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.say("token_expiring", seconds=0.01)
        await visit.notify(0)
        assert (await visit.answer())["type"] == "seen"  # and no auth before it

    asked = []

    def token() -> str:
        asked.append(True)
        return "t1"

    async def twice() -> bool:
        return len(asked) == 2

    gateway.script = [visit]
    async with gateway.inbox(token=token) as inbox:
        await take(inbox, 2)
        await until(twice, what="a new token asked for", timeout=10, every=0.005)
        await inbox.seen(["i0"])


async def test_it_is_left_in_the_middle_of_anything(gateway: ScriptedGateway):
    """Before the token, the handshake, the hello; with a command and an iteration that wait."""

    async def silent(visit: Visit) -> None:
        await visit.gone()

    async def greeting(visit: Visit) -> None:
        await visit.greet()
        assert await visit.gone() == 1000

    gateway.script = [silent, greeting]
    async with gateway.inbox():
        pass
    async with gateway.inbox():
        await gateway.visited(1)
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        waiting = asyncio.ensure_future(anext(inbox, "ended"))
        asking = asyncio.ensure_future(inbox.read(["i1"]))
        await asyncio.sleep(0)
    assert await waiting == "ended"
    with pytest.raises(Exception, match="may have been done"):
        await asking
    assert [event async for event in inbox] == []
    assert tasks_of_the_client() == []


async def test_a_cancelled_iteration_loses_nothing(gateway: ScriptedGateway):
    async def visit(visit: Visit) -> None:
        await visit.greet()
        await visit.answer()
        await visit.notify(0)

    gateway.script = [visit]
    async with gateway.inbox() as inbox:
        await take(inbox, 1)
        waiting = asyncio.ensure_future(anext(inbox))
        await asyncio.sleep(0)
        waiting.cancel()
        await inbox.seen(["i9"])
        assert offsets(await take(inbox, 1)) == [0]
