"""What the in_app channel writes belongs to the life that the notification was decided in."""

from __future__ import annotations

import pytest

from services.delivery.channels.in_app.effects import announcement
from shared.model import inbox
from shared.model.inbox import InboxItem
from shared.mongo.inbox_writing import NewInboxRow
from tests.support import samples as a
from tests.support.twins.inbox_rows import MemoryInboxRows
from tests.unit.delivery.test_inbox_writer import TOPICS, Scene, at

pytestmark = pytest.mark.usefixtures("clock")


class LivesOfRows(MemoryInboxRows):
    """Remembers the life of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.lives: list[int] = []

    async def insert(self, rows: list[NewInboxRow]) -> dict[str, InboxItem]:  # type: ignore[override]
        self.lives += [row.life for row in rows]
        return await super().insert(rows)


async def test_rows_and_announcements_carry_the_life(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, rows = Scene(), LivesOfRows()
    monkeypatch.setattr(scene.writer, "_rows", rows)
    await scene.writer.write([at(0), at(1, life=2)])
    assert rows.lives == [0, 2]
    events = [inbox.decode(output.value or b"") for output in scene.publisher.on(TOPICS.inbox)]
    assert [event.life for event in events] == [0, 2]


def test_an_announcement_alone_does_too() -> None:
    delivery = a.delivery(notification=a.notification(life=3))
    item = InboxItem(id="n", workflow="w", offset=1, created_at=1)
    assert inbox.decode(announcement(TOPICS, delivery, item)[0].value or b"").life == 3
