"""The connection of a facilitator's client: what its document has beyond the session's commands."""

from __future__ import annotations

from typing import NamedTuple

from services.gateway.core.limits import MAX_PAGE
from services.gateway.dialects.core.facilitator import Facilitator
from services.gateway.dialects.translated import TranslatedConnection
from services.gateway.inbox.filters import InboxFilter
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.core.actions import Action, ApplyChange, ListUnread
from services.gateway.live.outbox import Outbox
from services.gateway.socketio.event_socket import SEPARATOR, EventSocket
from services.gateway.socketio.numbers import NotificationNumbers
from shared.model.errors import Unavailable


class EventContext(NamedTuple):
    """What every connection of the process shares."""

    live: ConnectionContext
    numbers: NotificationNumbers


class EventConnection(TranslatedConnection):
    """Notifications have numbers here, and unread ones can be asked for."""

    def __init__(self, socket: EventSocket, context: EventContext, dialect: Facilitator) -> None:
        super().__init__(socket, context.live, dialect)
        self._outbox = Outbox(socket.get_write_buffer_size, frame=_packet)
        self._facilitator = dialect
        self._numbers = context.numbers

    async def _perform(self, actions: list[Action]) -> None:
        match actions:
            case [ListUnread(offset)]:
                await self._list(offset)
                await super()._perform([])
            case _:
                await super()._perform(actions)

    async def _list(self, offset: int) -> None:
        user = self._session.user
        if user is None:
            return
        unread = InboxFilter(unread_only=True)
        try:
            page = await self._context.store.page(user, unread, limit=MAX_PAGE, offset=offset)
        except Unavailable:
            self._say(self._facilitator.ending(0, "the inbox cannot be read now; ask again in some seconds"))
        else:
            self._say(self._facilitator.pending(page.items, page.counts.total))

    async def _apply(self, apply: ApplyChange) -> list[Action]:
        user = self._session.user
        if user is None or apply.ids is None:
            return await super()._apply(apply)
        try:
            ids = await self._numbers.resolve(user, apply.ids)
        except Unavailable:
            return self._session.on_failed(apply, "temporarily_unavailable", "something does not answer; repeat it")
        return await super()._apply(apply._replace(ids=ids))


def _packet(payload: bytes) -> bytes:
    return payload + SEPARATOR
