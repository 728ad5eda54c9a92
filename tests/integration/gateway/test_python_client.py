"""The Python client, both kinds of it, on a real gateway: what it says is what they read."""

from __future__ import annotations

import asyncio

import pytest

from carillon import Changed, CommandRejectedError, Hello, InboxSocket, Notified, SocketEndedError, SyncInboxSocket
from carillon.sockets.events import SocketEvent
from tests.integration.gateway.stage import GatewayStage, running, token
from tests.support.env import Names


async def next_of(inbox: InboxSocket, kind: type[SocketEvent]):
    async with asyncio.timeout(20):
        async for event in inbox:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__}")


def ann_of(stage: GatewayStage, *, ttl: int = 600, **settings) -> InboxSocket:
    return InboxSocket(stage.socket_url, lambda: token("ann", ttl=ttl), **{"max_wait": 0.1} | settings)


async def test_items_changes_and_resumption(names: Names):
    async with running(names) as stage:
        await stage.arrive("ann", 2, data=b'{"n":1}')
        async with ann_of(stage) as phone, ann_of(stage) as desk:
            hello = await next_of(phone, Hello)
            assert (hello.user, hello.counts.unread) == ("ann", 2)
            first, second = await next_of(phone, Notified), await next_of(phone, Notified)
            assert [(one.item.offset, one.item.title, one.replay) for one in (first, second)] == [
                (0, "title 0", True),
                (1, "title 1", True),
            ]
            assert first.item.data == {"n": 1}
            await next_of(desk, Notified)
            assert await desk.read([first.item.id]) == 1
            told = await next_of(phone, Changed)
            assert (told.change, told.items[0].id, told.counts.unread) == ("read", first.item.id, 1)
            assert told.items[0].read_at
            cursor = phone.cursor
        await stage.arrive("ann")
        async with ann_of(stage, cursor=cursor) as phone:
            assert (await next_of(phone, Notified)).item.offset == 2
            for change in (phone.unread, phone.seen, phone.archive, phone.unarchive, phone.delete):
                assert await change([first.item.id]) == 1
            assert await phone.read_all("new_message") == 2
            with pytest.raises(CommandRejectedError) as raised:
                await phone.read_all("no_such_type")
            assert raised.value.fix


async def test_a_token_is_renewed_before_it_ends(names: Names):
    """Each is good for three seconds, so the gateway warns at once; the connection outlives them."""
    async with running(names) as stage, ann_of(stage, ttl=3) as phone:
        await next_of(phone, Hello)
        shown = {phone._queue.kept}
        for _ in range(4):
            await stage.arrive("ann")
            event = await next_of(phone, Notified)
            shown.add(event.cursor)
        assert len(shown) == 5


async def test_anothers_token_ends_it(names: Names):
    async with running(names) as stage, InboxSocket(stage.socket_url, lambda: "no.such.token", max_wait=0.1) as inbox:
        with pytest.raises(SocketEndedError, match=r"4401: .+\. Next: let the token callback"):
            await next_of(inbox, Hello)


async def test_without_a_loop(names: Names):
    async with running(names) as stage:
        (item,) = await stage.arrive("ann")

        def work() -> None:
            with SyncInboxSocket(stage.socket_url, lambda: token("ann"), max_wait=0.1) as inbox:
                for event in inbox:
                    if isinstance(event, Notified):
                        assert event.item.id == item.id
                        assert inbox.read([event.item.id]) == 1
                    elif isinstance(event, Changed):
                        assert event.counts.unread == 0
                        return

        async with asyncio.timeout(30):
            await asyncio.to_thread(work)
