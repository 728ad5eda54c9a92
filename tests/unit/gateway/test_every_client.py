"""Any order of arrivals, changes, losses and returns: each client shows in the end what is in the inbox, and counts it right."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from services.gateway.core.limits import RESUME_OVERLAP_MS
from services.gateway.inbox.filters import InboxFilter
from services.gateway.live.core.actions import InboxSnapshot, LoadInbox, SendFrame
from services.gateway.live.core.announcement import Announcement
from services.gateway.live.core.session import Session
from shared.model.inbox import Change, InboxEvent, InboxItem, encode, item_state
from tests.support.twins.inbox_store import MemoryInboxStore
from tests.unit.gateway.scenes import ANN, EPOCH, item

STATES = ("seen_at", "read_at", "archived_at", "deleted_at", "snoozed_until")
HIDDEN = {"archived_at", "deleted_at", "snoozed_until"}
CHANGES = [
    Change.READ, Change.UNREAD, Change.SEEN, Change.ARCHIVED, Change.UNARCHIVED, Change.DELETED, Change.SNOOZED,
    Change.UNSNOOZED,
]  # fmt: skip
SOON = RESUME_OVERLAP_MS
"""In which items are over, or back."""
CLIENTS = 3


class Client:
    """A page: it reads its list by HTTP when it is new or told to, and keeps it by what the socket says."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.snapshot: InboxSnapshot | None = None
        self.loads: LoadInbox | None = None
        self.cursor: str | None = None
        self.states: dict[str, dict[str, Any]] = {}
        """Of items that it has not yet, too: a change may be told before the item."""
        self.contents: set[str] = set()
        self.counts: tuple[int, int] = 0, 0
        self.heard: list[int] = []

    def keep(self, told: dict[str, Any]) -> None:
        """Of two states the newer one is right, whichever came first."""
        known = self.states.get(told["id"])
        if known is None or told.get("updated_at", 0) >= known.get("updated_at", 0):
            self.states[told["id"]] = {
                name: told[name] for name in (*STATES, "updated_at") if told.get(name) is not None
            }

    @property
    def visible(self) -> dict[str, tuple[bool, ...]]:
        return {
            name: tuple(state in self.states[name] for state in STATES[:2])
            for name in self.contents
            if not self.states[name].keys() & HIDDEN
        }


class Inbox(RuleBasedStateMachine):
    """One user's, over several sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryInboxStore()
        self.clients = [Client() for _ in range(CLIENTS)]
        self.arriving: list[InboxEvent] = []
        """Rows that are there and not announced yet; in their order."""
        self.changing: list[InboxEvent] = []
        """The same of changes, whose announcements may pass each other."""
        self.rows = 0
        self.passed = False
        """A change was announced before one that was made earlier, and that one is not yet."""

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What it returns; a twin waits for nothing but its next turn."""
        while True:
            try:
                work.send(None)
            except StopIteration as ended:
                return ended.value

    @initialize()
    def begin(self) -> None:
        self.arrives()

    @rule(lasts=st.none() | st.integers(1, SOON))
    def arrives(self, lasts: int | None = None) -> None:
        self.rows += 1
        new = item(self.rows, expires_at=None if lasts is None else self.store.now + lasts)
        self.do(self.store.insert(ANN, [new]))
        self.arriving.append(InboxEvent(change=Change.CREATED, items=(new,), at=self.store.now))

    @rule(change=st.sampled_from(CHANGES), number=st.integers(1, 8), sleeps=st.integers(1, SOON))
    def changes(self, change: Change, number: int, sleeps: int) -> None:
        self.store.now += 1
        until = self.store.now + sleeps if change is Change.SNOOZED else None
        self.has_changed(change, self.do(self.store.change(ANN, change, [f"n{number}"], until)))

    @rule()
    def what_is_due_is_marked(self) -> None:
        self.store.now += 1
        for change, found in self.store.times(ANN).items():
            self.has_changed(change, found)

    def has_changed(self, change: Change, found: list[InboxItem]) -> None:
        if found:
            count = self.do(self.store.unread(ANN))
            states = tuple(item_state(each) for each in found)
            self.changing.append(
                InboxEvent(
                    change=change, items=states, at=self.store.now,
                    unread=count.unread, unseen=count.unseen, counted_to=count.end,
                )
            )  # fmt: skip

    @rule(first=st.booleans())
    def is_announced(self, first: bool) -> None:
        if self.arriving and (first or not self.changing):
            self.announce(self.arriving.pop(0))
        elif self.changing:
            self.passed |= not first and len(self.changing) > 1
            self.announce(self.changing.pop(0 if first else -1))

    @rule(ms=st.integers(0, RESUME_OVERLAP_MS // 2))
    def time_passes(self, ms: int) -> None:
        """Whatever is under way is announced within the overlap."""
        while self.changing:
            self.announce(self.changing.pop(0))
        self.passed = False
        self.store.now += ms

    def announce(self, event: InboxEvent) -> None:
        announcement = Announcement(encode(event))
        for client in self.clients:
            if client.session is not None:
                self.hear(client, list(client.session.on_event(announcement)))

    @rule(number=st.integers(0, CLIENTS - 1))
    def connects(self, number: int) -> None:
        if self.passed:
            # A client that comes in between counts by the earlier one until the next change: of two counts that are less
            # than the overlap old none can be known to be the later one.
            self.time_passes(0)
        client = self.clients[number]
        client.session, client.snapshot, client.loads = Session(EPOCH), None, None
        client.session.on_open("t", client.cursor)
        self.hear(client, client.session.on_user(ANN))

    @rule(number=st.integers(0, CLIENTS - 1))
    def rows_are_read(self, number: int) -> None:
        client = self.clients[number]
        if client.loads is not None:
            client.snapshot = self.do(self.store.snapshot(ANN, client.loads.since))

    @rule(number=st.integers(0, CLIENTS - 1))
    def rows_come(self, number: int) -> None:
        client = self.clients[number]
        if client.session is not None and client.snapshot is not None:
            snapshot, client.snapshot, client.loads = client.snapshot, None, None
            self.hear(client, client.session.on_rows(snapshot))

    @rule(number=st.integers(0, CLIENTS - 1))
    def is_lost(self, number: int) -> None:
        self.clients[number].session = None

    def hear(self, client: Client, actions: list[Any]) -> None:
        for action in actions:
            if isinstance(action, LoadInbox):
                client.loads = action
            if isinstance(action, SendFrame):
                self.take(client, json.loads(action.payload))

    def take(self, client: Client, told: dict[str, Any]) -> None:
        if told["type"] == "reset" or (told["type"] == "hello" and client.cursor is None):
            client.contents.clear()
            self.read_by_http(client)
        for each in told.get("items", [told["item"]] if "item" in told else []):
            client.keep(each)
            if told["type"] == "notification":
                client.contents.add(each["id"])
            elif each["id"] not in client.contents:
                self.read_by_http(client)  # it is back from the archive, say
        if told["type"] == "notification":
            client.heard.append(told["item"]["offset"])
        if "unread" in told:
            client.counts = told["unread"], told["unseen"]
        client.cursor = told.get("cursor", client.cursor)

    def read_by_http(self, client: Client) -> None:
        for each in self.do(self.store.page(ANN, InboxFilter(), limit=100)).items:
            client.keep(json.loads(msgspec.json.encode(each)))
            client.contents.add(each.id)

    @precondition(lambda self: self.rows > 0)
    @rule()
    def all_is_told(self) -> None:
        while self.arriving:
            self.announce(self.arriving.pop(0))
        self.what_is_due_is_marked()
        self.time_passes(0)
        for number, client in enumerate(self.clients):
            if client.session is None:
                self.connects(number)
            while client.loads is not None:
                self.rows_are_read(number)
                self.rows_come(number)
        inbox = self.do(self.store.page(ANN, InboxFilter(), limit=100)).items
        expected = {each.id: tuple(getattr(each, name) is not None for name in STATES[:2]) for each in inbox}
        count = self.do(self.store.unread(ANN))
        for client in self.clients:
            assert client.visible == expected
            assert client.counts == (count.unread, count.unseen)
            assert client.heard == sorted(set(client.heard)), "in order, none twice"

    def teardown(self) -> None:
        self.all_is_told()


TestEveryClient = Inbox.TestCase
TestEveryClient.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
