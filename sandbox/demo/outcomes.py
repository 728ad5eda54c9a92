"""What became of each notification on each channel, read from the console's timelines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from carillon.client import AsyncClient
from carillon.errors import ProblemError, UnreachableError
from sandbox.demo.plan import Accepted, Planned
from shared.model.timestamps import parse_rfc3339

LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Row:
    """One channel of one notification; `channel` None: the notification as a whole. Times in milliseconds."""

    planned: Planned
    user: str
    notification: str
    channel: str | None
    state: str
    reason: str | None
    until: int | None
    accepted_at: int

    @property
    def is_settled(self) -> bool:
        """It has ended, or waits for longer than a demonstration lasts."""
        return self.state in ENDS or (self.state, self.reason) == ("held", "quiet_hours")


Found = dict[str, list[Row]]
"""The rows by notification id; one that nobody decided yet is missing."""
ENDS: Final = frozenset({"sent", "suppressed", "cancelled", "expired", "dead", "unconfirmed"})


def rows(accepted: Accepted, user: str, timeline: Mapping[str, Any]) -> list[Row]:
    """The rows of one timeline; empty while nothing was decided."""
    return [
        Row(
            planned=accepted.planned,
            user=user,
            notification=accepted.notifications[user],
            channel=channel.get("channel"),
            state=channel["state"],
            reason=channel.get("reason"),
            until=parse_rfc3339(channel["until"]) if channel.get("until") else None,
            accepted_at=parse_rfc3339(timeline["accepted_at"]) if timeline["accepted_at"] else 0,
        )
        for channel in timeline["channels"]
    ]


async def settle(
    carillon: AsyncClient, accepted: Iterable[Accepted], until: float, report: Callable[[int, int], None]
) -> Found:
    """Asks until every notification is settled, or the monotonic clock says `until`; the rows by notification.

    `report` is called with how many are settled, of how many.
    """
    wanted = {one.notifications[user]: (one, user) for one in accepted for user in one.notifications}
    found: Found = {}
    while True:
        open_ = [notification for notification in wanted if not _is_settled(found.get(notification))]
        report(len(wanted) - len(open_), len(wanted))
        if not open_ or time.monotonic() > until:
            return found
        timelines = await asyncio.gather(*(_timeline(carillon, notification) for notification in open_))
        for notification, timeline in zip(open_, timelines, strict=True):
            if timeline is not None:
                found[notification] = rows(*wanted[notification], timeline)
        await asyncio.sleep(LOOK_SECONDS)


def _is_settled(found: list[Row] | None) -> bool:
    return bool(found) and all(row.is_settled for row in found or ())


async def _timeline(carillon: AsyncClient, notification: str) -> dict[str, Any] | None:
    """None while the console does not know it yet, or does not answer."""
    try:
        return await carillon.timeline(notification)
    except (ProblemError, UnreachableError) as error:
        if isinstance(error, ProblemError) and error.status not in (404, 503):
            raise
        return None
