"""Whether inboxes, as rows and as sockets saw them, keep the order of the log and of the acceptances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.model.channels import Channel
from tests.chaos.tables import Accepted, Effect, Evidence, Frame, user_of


class Delivered(NamedTuple):
    """A delivery that was said to be sent."""

    notification: str
    channel: Channel
    decided_at: tuple[int, int]
    """Partition and offset of the record that it was decided for."""


class _Row(NamedTuple):
    offset: int
    decided_at: tuple[int, int]
    notification: str


def inverted_rows(
    accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered], effects: Iterable[Effect]
) -> list[str]:
    """Inboxes in another order than the records of their user, or than the answers to the producer."""
    inboxes: dict[str, list[_Row]] = defaultdict(list)
    for effect in effects:
        about = sent.get(effect.delivery)
        if effect.channel is Channel.IN_APP and about is not None:
            inboxes[user_of(effect.owner)].append(_Row(effect.offset, about.decided_at, about.notification))
    offenders = []
    for user, rows in inboxes.items():
        by_log = sorted(rows, key=lambda row: row.decided_at)
        offenders += [f"{user}: {text}" for text in _not_growing([row.offset for row in by_log], "rows by the log")]
        offenders += [f"{user}: {text}" for text in _before_its_turn(accepted, rows)]
    return offenders


def _before_its_turn(accepted: Mapping[str, Accepted], rows: Iterable[_Row]) -> list[str]:
    """Rows of what was asked for after another one was answered, and that stand before it.

    What waits for its time is left out: it takes its turn when it is released.
    """
    known = [(accepted[row.notification], row) for row in rows]
    now = [(about, row) for about, row in known if not about.not_before]
    answered = sorted((about.answered, row) for about, row in now if about.answered is not None)
    offenders = []
    position, last = 0, -1
    for about, row in sorted(now, key=lambda each: each[0].asked):
        while position < len(answered) and answered[position][0] < about.asked:
            last = max(last, answered[position][1].offset)
            position += 1
        if row.offset < last:
            offenders.append(f"{row.notification} at {row.offset}, asked for when {last} was answered")
    return offenders


def inverted_frames(frames: Iterable[Frame]) -> list[str]:
    """Clients that were sent an item after a newer one, or twice."""
    seen: dict[str, list[int]] = defaultdict(list)
    for frame in frames:
        seen[frame.client].append(frame.offset)
    return [f"{client}: {text}" for client, offsets in seen.items() for text in _not_growing(offsets, "frames")]


def unseen(accepted: Mapping[str, Accepted], sent: Mapping[str, Delivered], found: Evidence) -> list[str]:
    """What is in the inbox of a connected user and was never sent to the client."""
    shown = {(frame.owner, frame.notification) for frame in found.frames}
    due = {
        (user_of(accepted[about.notification].owner), about.notification)
        for about in sent.values()
        if about.channel is Channel.IN_APP and not accepted[about.notification].erased
    }
    return [f"{user}: {notification}" for user, notification in sorted(due - shown) if user in found.clients]


def _not_growing(offsets: Sequence[int], what: str) -> list[str]:
    return [f"{what}: {later} follows {earlier}" for earlier, later in pairwise(offsets) if later <= earlier]
