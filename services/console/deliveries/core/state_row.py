"""Where each delivery stands, as the listing keeps it: one row per delivery, and per notification that waits or went nowhere.

Statuses rank by generation, pass and stage, as in a timeline; the one that ranks highest is the row, so that the order
in which they are read does not matter, and one that is read twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from services.console.timeline.core.channel_states import ENDS, OUTCOMES, TOLD_RANKS
from services.console.timeline.core.rows import TimelineRow
from shared.model.notification_states import NotificationState
from shared.model.records import Kind
from shared.model.timestamps import parse_rfc3339, to_datetime

AREAS: Final = ("carillon.notification.", "carillon.delivery.")
ROUTED: Final = NotificationState.ROUTED.value
"""Its deliveries tell the rest: not listed."""
HELD: Final = NotificationState.HELD.value
OPEN: Final = ("accepted", "queued", HELD, "retrying", "parked", "stale")
"""States behind which something is still to come."""
KEPT: Final = timedelta(days=90)
"""How long a row stays after its last change was stored, and after what it waits for: as long as a timeline."""
FACTS: Final = ("workflow", "event_id", "step", "channel", "priority", "max_retries")


class StateRow(NamedTuple):
    """What one status says of where something stands."""

    id: str
    """The delivery; the notification where none was made."""
    rank: int
    fields: dict[str, Any]
    whole: bool
    """Whether it may be the first that is known of it: a provider's receipt says too little."""
    first: bool
    """Whether the first decision is among what it was made of: nothing is stored of it yet, but in a replay."""

    @property
    def key(self) -> tuple[str, str]:
        """Its tenant and id."""
        return self.fields["tenant"], self.id


def state_rows(statuses: Iterable[TimelineRow], before: Iterable[StateRow] = ()) -> list[StateRow]:
    """Of each that a batch of statuses tells of, or `before` does, the row that ranks highest.

    A status that is not as this version writes them is left to the timeline, which shows it as it is.
    """
    found = {row.key: row for row in before}
    for status in statuses:
        if not status["type"].startswith(AREAS):
            continue
        try:
            rows = list(_rows(status))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        for row in rows:
            known = found.get(row.key)
            if known is None:
                found[row.key] = row
            elif row.rank > known.rank:
                found[row.key] = row._replace(
                    fields=known.fields | row.fields, whole=known.whole or row.whole, first=known.first or row.first
                )
            elif row.first:
                found[row.key] = known._replace(fields=row.fields | known.fields, whole=True, first=True)
    return list(found.values())


def _rows(status: TimelineRow) -> Iterator[StateRow]:
    data = status["data"]
    word = status["type"].rpartition(".")[2]
    items = data.get("items")
    if not isinstance(items, list):
        stage = 2 if word in ENDS else 1
        yield _row(status, status["subject"], word, data, stage + TOLD_RANKS.get(word, 0))
        return
    waits = None
    for item in items:
        if item.get("outcome") == "deliver":
            yield _row(status, item["delivery"], OUTCOMES["deliver"], item, 0)
        elif item.get("outcome") == "hold":
            if item.get("subject", status["subject"]) == status["subject"]:
                waits = item
            else:
                yield _row(status, item["subject"], HELD, item, 0)
    if data.get("kind") == Kind.FAILED:
        return  # of the channel behind one that failed: no delivery of its own stands under this subject
    if waits is not None:
        yield _row(status, status["subject"], HELD, waits, 0)
    elif word not in (ROUTED, HELD):
        yield _row(status, status["subject"], word, items[0] if len(items) == 1 else {}, 0)
    elif data.get("generation") or data.get("pass"):
        # It may have waited before, as a whole; of the first decision there is nothing to take back.
        yield _row(status, status["subject"], ROUTED, {}, 0)


def _row(status: TimelineRow, id_: str, state: str, about: Mapping[str, Any], stage: int) -> StateRow:
    data = status["data"]
    due = about.get("due")
    fields: dict[str, Any] = {
        "tenant": status["tenant"],
        "user": status["user"],
        "notification": status["notification"],
        "state": state,
        "at": status["at"],
        "reason": about.get("reason"),
        "code": about.get("code"),
        "due": to_datetime(parse_rfc3339(due)) if due else None,
    }
    fields["kept_until"] = _kept_until(max(status["created_at"], fields["due"] or status["at"]))
    for name in FACTS:
        value = about.get(name, data.get(name))
        if value is not None:
            fields[name] = value
    if "attempts" in data:
        fields["attempts"] = data["attempts"]
    if data.get("event_subject") is not None:
        fields["subject"] = data["event_subject"]
    accepted_at = data.get("accepted_at")
    if accepted_at is not None:
        fields["accepted_at"] = to_datetime(parse_rfc3339(accepted_at))
    rank = (data.get("generation", 0) << 40) + (data.get("pass", 0) << 8) + stage
    return StateRow(id_, rank, fields, accepted_at is not None, first=rank == 0 and accepted_at is not None)


def _kept_until(at: datetime) -> datetime:
    """The end of that day: most changes of a row leave the index alone that it goes by."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + KEPT + timedelta(days=1)
