"""The gateway, broken: whose events a socket gets, and where it resumes."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from services.gateway.inbox.store import InboxStore
from services.gateway.live.core.actions import InboxSnapshot
from services.gateway.live.core.cursor import Cursor
from services.gateway.live.outbox import Outbox
from services.gateway.live.registry import Receiver, Registry
from shared.model.users import User
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CONNECTED, GATEWAY_DIES, Scene


def _user_alone(key: bytes) -> bytes:
    return key.partition(b":")[2]


def registry_without_tenant() -> None:
    has, add, remove, deliver = Registry.__contains__, Registry.add, Registry.remove, Registry.deliver

    def has_user(self: Registry, key: bytes) -> bool:
        return has(self, _user_alone(key))

    def add_user(self: Registry, key: bytes, receiver: Receiver) -> None:
        add(self, _user_alone(key), receiver)

    def remove_user(self: Registry, key: bytes, receiver: Receiver) -> bool:
        return remove(self, _user_alone(key), receiver)

    def deliver_to_user(self: Registry, key: bytes, announcements: Any, writes: Any) -> None:
        deliver(self, _user_alone(key), announcements, writes)

    replace(Registry, "__contains__", has_user)
    replace(Registry, "add", add_user)
    replace(Registry, "remove", remove_user)
    replace(Registry, "deliver", deliver_to_user)


def seventh_dropped() -> None:
    deliver, numbers = Registry.deliver, count(1)

    def most(self: Registry, key: bytes, announcements: Any, writes: Any) -> None:
        deliver(self, key, [one for one in announcements if next(numbers) % 7], writes)

    replace(Registry, "deliver", most)


def event_to_the_one_before() -> None:
    deliver, keys = Registry.deliver, list[bytes]()

    def astray(self: Registry, key: bytes, announcements: Any, writes: Any) -> None:
        keys.append(key)
        deliver(self, keys[-2] if len(keys) > 1 else key, announcements, writes)

    replace(Registry, "deliver", astray)


def resumes_one_too_early() -> None:
    snapshot = InboxStore.snapshot

    async def with_the_last(self: InboxStore, user: User, since: Cursor | None) -> InboxSnapshot:
        return await snapshot(self, user, since and since._replace(offset=since.offset - 1))

    replace(InboxStore, "snapshot", with_the_last)


def resumes_one_too_late() -> None:
    snapshot = InboxStore.snapshot

    async def without_the_first(self: InboxStore, user: User, since: Cursor | None) -> InboxSnapshot:
        found = await snapshot(self, user, since)
        return found._replace(rows=found.rows[1:]) if since is not None else found

    replace(InboxStore, "snapshot", without_the_first)


def frames_written_twice() -> None:
    put = Outbox.put

    def twice(self: Outbox, payload: bytes) -> bool:
        return put(self, payload) and put(self, payload)

    replace(Outbox, "put", twice)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CONNECTED) -> Break:
    return Break(name=name, apply=apply, services=("gateway",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("sockets are known without their tenant", registry_without_tenant, "leaked"),
    _row("every seventh event is dropped", seventh_dropped, "unseen"),
    _row("an event goes where the one before went", event_to_the_one_before, "leaked"),
    _row("a resume repeats one", resumes_one_too_early, "inverted", scene=GATEWAY_DIES),
    _row("a resume leaves out one", resumes_one_too_late, "unseen", scene=GATEWAY_DIES),
    _row("a frame is written twice", frames_written_twice, "inverted"),
)
