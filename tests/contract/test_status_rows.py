"""The timeline's statuses: the first insert wins, and what is new is counted."""

from __future__ import annotations

from typing import Any

import pytest

from services.console.timeline.core.rows import TimelineRow
from services.console.timeline.status_rows import StatusRows
from shared.model.timestamps import to_datetime
from tests.support import samples as a
from tests.support.twins.status_rows import MemoryStatusRows


class RealStatusRows(StatusRows):
    """With what the console reads."""

    @property
    async def stored(self) -> dict[str, Any]:
        return {row["_id"]: row async for row in self._rows.find()}


class TwinStatusRows(MemoryStatusRows):
    @property
    async def stored(self) -> dict[str, Any]:
        return self.rows


@pytest.fixture
def rows(implementation: str, request: pytest.FixtureRequest) -> Any:
    return TwinStatusRows() if implementation == "twin" else RealStatusRows(request.getfixturevalue("database"))


def row(status: str, offset: int = 7) -> TimelineRow:
    return {
        "_id": status, "tenant": "acme", "user": "ada", "type": "carillon.delivery.sent", "subject": "d",
        "notification": "n", "at": to_datetime(a.NOON), "data": {"pass": 1, "channel": None}, "topic": "t",
        "partition": 3, "offset": offset, "created_at": to_datetime(a.NOON + 5),
    }  # fmt: skip


async def test_what_is_stored_comes_back_as_it_was(rows: Any) -> None:
    assert await rows.insert([row("a"), row("b")]) == 2
    assert await rows.stored == {"a": row("a"), "b": row("b")}


async def test_a_replay_is_not_new_and_changes_nothing(rows: Any) -> None:
    await rows.insert([row("a", offset=7)])
    assert await rows.insert([row("a", offset=9), row("b")]) == 1
    assert await rows.stored == {"a": row("a", offset=7), "b": row("b")}
