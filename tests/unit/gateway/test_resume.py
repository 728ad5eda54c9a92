"""Any interleaving of rows, announcements, replays, snapshots and broken connections: every offset once, in order."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.live.core.actions import LoadInbox, SendFrame
from services.gateway.live.core.cursor import Cursors
from services.gateway.live.core.session import Session
from tests.unit.gateway.scenes import ANN, EPOCH, created, item, snapshot

CURSORS = Cursors(EPOCH, b"default:ann")


class World:
    """An inbox, the announcements on the log, and one client that comes back with the last cursor it got."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.announced = 0
        self.session: Session | None = None
        self.rows_seen: list[int] | None = None
        self.since = -1
        self.cursor: str | None = None
        self.on_the_wire: list[dict] = []
        self.received: list[int] = []
        self.unread: list[tuple[int, int]] = []

    def insert(self, gap: int) -> None:
        self.rows.append((self.rows[-1] if self.rows else -1) + gap)

    def announce(self) -> None:
        if self.announced < len(self.rows):
            self._event(self.announced)
            self.announced += 1

    def replay(self, back: int) -> None:
        """A worker that died announces again what it had announced, with the stored offsets."""
        self.announced = max(0, self.announced - back)

    def connect(self) -> None:
        if self.session is None:
            self.session = Session(EPOCH)
            self.session.on_open("token", self.cursor)
            load = self.session.on_user(ANN)[1]
            assert isinstance(load, LoadInbox)
            self.since = -1 if load.since is None else load.since.offset
            self.rows_seen = None

    def query(self) -> None:
        if self.session is not None and self.rows_seen is None:
            self.rows_seen = list(self.rows)

    def answer(self) -> None:
        if self.session is not None and self.rows_seen is not None:
            rows = [item(offset) for offset in self.rows_seen if offset > self.since]
            end = self.rows_seen[-1] if self.rows_seen else -1
            self._write(self.session.on_rows(snapshot(rows, unread=len(self.rows_seen), end=end)))

    def deliver(self, most: int) -> None:
        while self.on_the_wire and most:
            most -= 1
            told = self.on_the_wire.pop(0)
            self.cursor = told["cursor"]
            if told["type"] == "notification":
                self.received.append(told["item"]["offset"])
                self.unread.append((told["item"]["offset"], told["unread"]))

    def disconnect(self) -> None:
        self.session, self.on_the_wire = None, []

    def _event(self, position: int) -> None:
        if self.session is not None:
            self._write(self.session.on_event(created(self.rows[position])))

    def _write(self, actions) -> None:
        self.on_the_wire += [json.loads(action.payload) for action in actions if isinstance(action, SendFrame)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.integers(1, 3)),
        st.tuples(st.just("announce")),
        st.tuples(st.just("announce")),
        st.tuples(st.just("replay"), st.integers(1, 4)),
        st.tuples(st.just("connect")),
        st.tuples(st.just("query")),
        st.tuples(st.just("answer")),
        st.tuples(st.just("deliver"), st.integers(1, 5)),
        st.tuples(st.just("disconnect")),
    ),
    max_size=80,
)


@given(STEPS)
def test_every_offset_once_and_in_order(steps):
    world = World()
    for name, *arguments in steps:
        getattr(world, name)(*arguments)
        assert world.received == world.rows[: len(world.received)]
    world.insert(1)
    for name in ("connect", "query", "answer"):
        getattr(world, name)()
    while world.announced < len(world.rows):
        world.announce()
    world.deliver(10_000)
    assert world.received == world.rows
    # Nothing is ever read here: the last word on the unread count is the number of rows.
    assert world.unread[-1][1] == len(world.rows)
