"""Whether everything adds up: what was accepted, decided, sent and received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sandbox.demo.outcomes import Found, Row
from sandbox.demo.plan import NAMES, Accepted
from sandbox.demo.received import Received

FINE: Final = ("sent", "held", "suppressed", "cancelled", "expired")
"""The states a channel may have at the end of a run."""


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The totals of one run."""

    events: int
    ways: int
    accepted: int
    """Notifications."""
    decided: int
    """Notifications with at least one decision."""
    states: Counter[str]
    """Channel decisions by state."""
    sent: Counter[str]
    """By channel."""
    received: Counter[str]
    """By channel, repeats counted."""
    in_app: Counter[str]
    """In-app messages received, by user, repeats counted."""

    @property
    def decisions(self) -> int:
        """All of them, however they ended."""
        return self.states.total()


def add_up(accepted: list[Accepted], found: Found, received: Received) -> Sums:
    """The totals. `received` may hold other runs' notifications; they are not counted."""
    all_rows = [row for part in found.values() for row in part]
    ours = {notification: user for one in accepted for user, notification in one.notifications.items()}
    by_channel: Counter[str] = Counter()
    in_app: Counter[str] = Counter()
    for (notification, channel), times in received.items():
        if notification in ours:
            by_channel[channel] += len(times)
            if channel == "in_app":
                in_app[ours[notification]] += len(times)
    return Sums(
        events=len(accepted),
        ways=len({one.planned.ingress for one in accepted}),
        accepted=len(ours),
        decided=sum(bool(part) for part in found.values()),
        states=Counter(row.state for row in all_rows),
        sent=Counter(row.channel or "all" for row in all_rows if row.state == "sent"),
        received=by_channel,
        in_app=in_app,
    )


def awaited(found: Found, received: Received) -> list[Row]:
    """What was sent and is not there yet."""
    return [
        row
        for part in found.values()
        for row in part
        if row.state == "sent" and (row.notification, row.channel) not in received
    ]


def missing(accepted: Iterable[Accepted], found: Found, received: Received) -> Iterator[str]:
    """What does not add up, a line each; nothing when all is well."""
    for one in accepted:
        for user, notification in one.notifications.items():
            about = f"{one.planned.workflow} for {NAMES.get(user, user)} ({notification})"
            part = found.get(notification, [])
            if not part:
                yield f"{about}: accepted, but nothing was decided"
            for row in part:
                yield from _of_row(about, row, received)
            for channel in sorted({place for id_, place in received if id_ == notification}):
                if not any(row.channel == channel for row in part):
                    yield f"{about}: received by {channel}, which nobody decided"
        yield from _unexpected(one, found)


def _of_row(about: str, row: Row, received: Received) -> Iterator[str]:
    where = f"{about}, {row.channel or 'all channels'}"
    if not row.is_settled or row.state not in FINE:
        yield f"{where}: is {row.state} ({row.reason or 'no reason'}) at the end"
    times = received.get((row.notification, row.channel or ""), [])
    if row.state == "sent" and len(times) != 1:
        yield f"{where}: sent once, received {len(times)} times"
    if row.state != "sent" and times:
        yield f"{where}: is {row.state}, but received {len(times)} times"


def _unexpected(one: Accepted, found: Found) -> Iterator[str]:
    for (user, channel), word in one.planned.expected.items():
        part = found.get(one.notifications[user], [])
        state = next((row.reason or row.state for row in part if row.channel == channel), "not decided")
        if state != word:
            about = f"{one.planned.workflow} for {NAMES.get(user, user)}, {channel or 'all channels'}"
            yield f"{about}: must be {word}, is {state}"
