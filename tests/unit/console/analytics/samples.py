"""Statuses as the timeline keeps them, of every kind that is counted and of some that are not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from services.console.timeline.core.rows import TimelineRow
from shared.model.timestamps import to_datetime
from tests.support import samples as a

TYPES = (
    "carillon.notification.routed", "carillon.notification.suppressed", "carillon.delivery.sent",
    "carillon.delivery.dead", "carillon.delivery.delivered", "carillon.inbox.read", "carillon.delivery.opened",
    "carillon.delivery.of_a_newer_version", "carillon.event.expanded",
)  # fmt: skip


def status_row(
    status: str, status_type: str = "carillon.delivery.sent", at: int = a.NOON, tenant: str = "acme", **data: Any
) -> TimelineRow:
    return {
        "_id": status, "tenant": tenant, "user": "ada", "type": status_type, "subject": "d", "notification": "n",
        "at": to_datetime(at), "data": {"pass": 0, "workflow": "w", **data}, "topic": "t", "partition": 0, "offset": 0,
        "created_at": to_datetime(at),
    }  # fmt: skip


def status_rows(spread_ms: int = 3 * 3_600_000) -> st.SearchStrategy[TimelineRow]:
    names = st.sampled_from((None, "a", "b", "x" * 101))
    return st.builds(
        status_row,
        st.integers(0, 60).map(str),
        st.sampled_from(TYPES),
        st.integers(a.NOON, a.NOON + spread_ms),
        st.sampled_from(("acme", "other")),
        workflow=names,
        channel=st.sampled_from(("email", "in_app", None, "pigeon")),
        provider=names,
        variant=names,
        locale=names,
        **{"pass": st.integers(0, 1)},
    )
