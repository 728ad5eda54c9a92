from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.gateway.core.limits import MAX_MESSAGE_BYTES, MAX_OUTBOX_BYTES, MAX_UNAUTHENTICATED_MESSAGE_BYTES
from services.gateway.live.connection import Connection
from services.gateway.live.core.actions import InboxSnapshot
from services.gateway.live.core.cursor import Cursor
from services.gateway.live.core.messages import CloseCode
from shared.model.users import User
from shared.process.clock import now_ms
from tests.support.sockets import FakeSocket
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.unit.gateway.live_gateway import SNAPSHOTS_AT_ONCE, LiveGateway

ANN = b"default:ann"


@pytest.fixture
async def gateway() -> LiveGateway:
    return LiveGateway()


def offsets(socket: FakeSocket) -> list[int]:
    return [message["item"]["offset"] for message in socket.told if message["type"] == "notification"]


async def test_a_client_gets_what_it_missed_then_what_comes(gateway):
    await gateway.arrive("ann", 1, 2)
    async with gateway.socket() as ann:
        assert (await ann.next("hello"))["unread"] == 2
        await gateway.arrive("ann", 3)
        assert offsets(ann) == [1, 2, 3]
        cursor = ann.told[-1]["cursor"]
    await gateway.arrive("ann", 4)
    async with gateway.socket(cursor=cursor) as back:
        await back.next("hello")
        assert offsets(back) == [4]


async def test_all_of_one_tick_is_one_write(gateway):
    async with gateway.socket() as ann:
        await ann.next("hello")
        before = len(ann.transport.writes)
        await gateway.arrive("ann", 1, 2, 3)
        assert len(ann.transport.writes) == before + 1
        assert offsets(ann) == [1, 2, 3]


async def test_a_replayed_event_writes_nothing(gateway):
    async with gateway.socket() as ann:
        await ann.next("hello")
        await gateway.arrive("ann", 2)
        before = len(ann.transport.writes)
        await gateway.arrive("ann", 2)
        await gateway.arrive("ann", 1)
        assert len(ann.transport.writes) == before


class SlowInbox(MemoryInboxStore):
    """Its snapshots wait to be let through."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        found = await super().snapshot(user, since)
        self.asked.set()
        await self.answer.wait()
        return found


async def test_events_that_come_while_the_rows_are_read_come_once():
    store = SlowInbox()
    gateway = LiveGateway(store)
    await gateway.arrive("ann", 1)
    async with gateway.socket() as ann:
        await store.asked.wait()
        await gateway.arrive("ann", 1, 2)
        assert ann.told == []
        store.answer.set()
        await ann.next("hello")
        assert offsets(ann) == [1, 2]


class BusyInbox(MemoryInboxStore):
    """Counts how many snapshots are taken at once."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = self.most_reading = 0

    async def snapshot(self, user: User, since: Cursor | None) -> InboxSnapshot:
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        return await super().snapshot(user, since)


async def test_only_so_many_inboxes_are_read_at_once():
    store = BusyInbox()
    gateway = LiveGateway(store)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(gateway.socket(user)) for user in ("ann", "bob", "eve", "dan")]
        for socket in sockets:
            await socket.next("hello")
    assert store.most_reading == SNAPSHOTS_AT_ONCE


async def test_the_token_may_come_as_the_first_message_and_raises_the_limit_of_messages(gateway):
    async with gateway.socket(token=None) as ann:
        ann.say(type="auth", token="ann")
        await ann.next("hello")
        assert ann.protocol.max_message_size == MAX_MESSAGE_BYTES
    async with gateway.socket(token=None) as stranger:
        stranger.say(type="auth", token="?")
        await stranger.until(lambda: stranger.code is not None)
        assert stranger.code == CloseCode.UNAUTHORIZED
        assert stranger.protocol.max_message_size == MAX_UNAUTHENTICATED_MESSAGE_BYTES
    assert ANN not in gateway.registry


async def test_a_command_is_answered_and_told_to_every_socket_of_the_user(gateway):
    await gateway.arrive("ann", 1)
    async with gateway.socket() as phone, gateway.socket() as laptop, gateway.socket("bob") as bob:
        for socket in (phone, laptop, bob):
            await socket.next("hello")
        phone.say(type="read", ids=["n1"], ref="7")
        assert (await phone.next("ok")) == {"type": "ok", "for": "read", "ref": "7", "updated": 1}
        for socket in (phone, laptop):
            state = await socket.next("state")
            assert (state["change"], state["items"][0]["id"], state["unread"]) == ("read", "n1", 0)
        assert [message["type"] for message in bob.told] == ["hello", "live"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"type": "read", "all": True, "notification_type": "nonsense"}, "invalid_notification_type"),
        ({"type": "seen", "ids": ["n1"]}, "temporarily_unavailable"),
    ],
)
async def test_a_command_that_fails_is_told_and_the_connection_goes_on(gateway, command, code):
    await gateway.arrive("ann", 1)
    async with gateway.socket() as ann:
        await ann.next("hello")
        gateway.kafka_unavailable = True
        ann.say(**command, ref="7")
        error = await ann.next("error")
        assert (error["code"], error["ref"]) == (code, "7")
        ann.say(type="ping")
        await ann.next("pong")


async def test_an_inbox_that_cannot_be_read_sends_the_client_away_for_a_while(gateway):
    gateway.store.outages.add()
    async with gateway.socket() as ann:
        await ann.until(lambda: ann.code is not None)
        assert ann.code == CloseCode.TRY_AGAIN_LATER
        assert ANN not in gateway.registry


async def test_who_does_not_read_is_closed_and_the_others_get_it(gateway):
    async with gateway.socket() as slow, gateway.socket() as quick:
        await slow.next("hello")
        await quick.next("hello")
        await gateway.arrive("ann", 1)
        slow.transport.unsent = MAX_OUTBOX_BYTES
        await gateway.arrive("ann", 2)
        await slow.until(lambda: slow.code is not None)
        await gateway.arrive("ann", 3)
        assert slow.code == CloseCode.SLOW
        assert (offsets(slow), offsets(quick)) == ([1], [1, 2, 3])


async def test_beyond_the_bound_of_the_process_the_slowest_is_cut_off_and_the_others_get_it():
    gateway = LiveGateway(backlog_bytes=MAX_OUTBOX_BYTES // 2)
    async with gateway.socket() as slow, gateway.socket() as quick:
        await slow.next("hello")
        await quick.next("hello")
        slow.transport.unsent = MAX_OUTBOX_BYTES // 2 + 1
        await gateway.arrive("ann", 1, body="x" * (MAX_OUTBOX_BYTES // 8))
        await slow.until(lambda: slow.code is not None)
        await gateway.arrive("ann", 2)
        assert slow.code == 1006
        assert quick.code is None
        assert offsets(quick) == [1, 2]
        assert ANN in gateway.registry


async def test_who_has_left_is_written_nothing(gateway):
    async with gateway.socket() as ann:
        await ann.next("hello")
        before = len(ann.transport.writes)
        ann.end(1006)
        await gateway.arrive("ann", 1)
        assert len(ann.transport.writes) == before
    assert ANN not in gateway.registry


async def test_an_ending_token_is_told_then_ends_the_connection(gateway):
    gateway.expires_at = now_ms() / 1000 + 0.05
    async with gateway.socket() as ann:
        assert (await ann.next("token_expiring"))["seconds"] == 0
        await ann.until(lambda: ann.code is not None)
        assert ann.code == CloseCode.UNAUTHORIZED


async def test_a_restart_says_when_to_come_back(gateway):
    socket = FakeSocket()
    connection = Connection(socket, gateway.context)
    running = asyncio.create_task(connection.run("ann", None))
    await socket.next("hello")
    await connection.restart(300)
    await running
    assert socket.told[-1] == {"type": "reconnect", "after_ms": 300}
    assert socket.code == CloseCode.RESTART
    assert ANN not in gateway.registry


async def test_a_task_that_fails_ends_the_connection(gateway):
    class Broken(FakeSocket):
        async def close(self, code: int = 1000, reason: str = "") -> None:
            raise LookupError("a bug")

    socket = Broken()
    running = asyncio.create_task(Connection(socket, gateway.context).run("ann", None))
    await socket.next("hello")
    socket.transport.unsent = MAX_OUTBOX_BYTES
    await gateway.arrive("ann", 1)
    async with asyncio.timeout(10):
        await running
    assert socket.code == 1006
    assert ANN not in gateway.registry
