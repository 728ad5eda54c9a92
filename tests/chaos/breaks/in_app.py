"""Inbox rows, broken: their offsets, and what a replay of them emits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.delivery.channels.in_app.naming import Stored
from services.delivery.channels.in_app.writer import InboxWriter
from shared.model.deliveries import ReceivedDelivery
from shared.model.inbox import InboxItem
from tests.chaos.breaks.breaking import Break, replace
from tests.chaos.breaks.scenes import CALM, ROW_DIES, Scene

HIGHEST: Final = 1_000_000


def offsets_count_down() -> None:
    render = InboxWriter._render

    def other(self: InboxWriter, received: ReceivedDelivery, now: int) -> InboxItem:
        item = render(self, received, now)
        return msgspec.structs.replace(item, offset=HIGHEST - item.offset)

    replace(InboxWriter, "_render", other)


def known_row_emits_nothing() -> None:
    insert = InboxWriter._insert

    async def new_ones(self: InboxWriter, items: Sequence[Stored]) -> list[Stored]:
        before = await self._rows.find(each.delivery.id for each, _ in items)
        return [stored for stored in await insert(self, items) if stored[0].delivery.id not in before]

    replace(InboxWriter, "_insert", new_ones)


def _row(name: str, apply: Any, *shows: str, scene: Scene = CALM) -> Break:
    return Break(name=name, apply=apply, services=("delivery",), shows=frozenset(shows), scene=scene)


BREAKS: Final = (
    _row("an inbox row's offset is not that of the log", offsets_count_down, "inverted"),
    _row("a row that is there emits nothing again", known_row_emits_nothing, "unterminated", scene=ROW_DIES),
)
