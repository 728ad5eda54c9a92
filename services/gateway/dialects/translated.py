"""A connection whose client speaks a dialect."""

from __future__ import annotations

import structlog

from services.gateway.dialects.core.dialect import Dialect
from services.gateway.live.client_socket import ClientSocket
from services.gateway.live.connection import Connection
from services.gateway.live.connection_context import ConnectionContext
from services.gateway.live.core.session import Session

log = structlog.get_logger()


class TranslatedConnection(Connection):
    """The same session; only its words are others. What a message costs more for it, it costs nobody else."""

    def __init__(self, socket: ClientSocket, context: ConnectionContext, dialect: Dialect) -> None:
        super().__init__(socket, context)
        self._session = Session(context.epoch, self._session.name, decode=dialect.decode)
        self._dialect = dialect

    def _queue(self, payload: bytes) -> None:
        try:
            frames = self._dialect.encode(payload)
        except ValueError as error:  # msgspec's, too: an item that only a newer process can read
            log.error("untranslatable_message", session=self._session.name, error=type(error).__name__)
            self._soon(self._session.on_unavailable())
            return
        for frame in frames:
            self._say(frame)

    def _say(self, frame: bytes) -> None:
        """Queues what is in the client's words."""
        super()._queue(frame)
