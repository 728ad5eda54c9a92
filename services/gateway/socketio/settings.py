"""Settings of the Socket.IO process."""

from __future__ import annotations

from pydantic import Field

from services.gateway.settings import UsersEdgeSettings
from shared.model.identifiers import TENANT


class SocketIoSettings(UsersEdgeSettings):
    """The users' edge for clients of Socket.IO."""

    socketio_port: int = Field(5002, ge=0, le=65535, description="port of Socket.IO")
    socketio_open_tenant: str | None = Field(
        None,
        pattern=TENANT,
        description="sandbox only: in this tenant everybody is the facilitator that they say they are, whatever their "
        "token; unset: only tokens count",
    )
