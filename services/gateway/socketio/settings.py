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
    socketio_any_origin: bool = Field(
        False,
        description="true: pages of every origin may use Socket.IO, whatever CARILLON_ORIGINS says; their tokens count all the same",
    )
    socketio_public_tenant: str | None = Field(
        None,
        pattern=TENANT,
        description="the tenant whose figures `GET /health` and `GET /stats` of Socket.IO tell without a key; unset: "
        "CARILLON_SOCKETIO_OPEN_TENANT; without either nobody's",
    )
    socketio_ingest_url: str = Field(
        "",
        pattern=r"^(https?://\S*[^\s/])?$",
        description="where ingest is, as http://ingest:8080, for backends that send by Socket.IO; empty: none may",
    )
    socketio_workflow: str = Field(
        "facilitators.new_booking", min_length=1, description="the workflow of what backends send by Socket.IO"
    )
