"""Carillon: what users import. `from carillon import AsyncClient`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from carillon.client import AsyncClient
    from carillon.errors import (
        ClientError,
        CommandRejectedError,
        KafkaRejectedError,
        ProblemError,
        SocketEndedError,
        UnexpectedAnswerError,
        UnreachableError,
    )
    from carillon.kafka_client import KafkaClient
    from carillon.sockets.events import Changed, Hello, Live, Notified, Reset
    from carillon.sockets.inbox_socket import InboxSocket
    from carillon.sockets.sync_inbox_socket import SyncInboxSocket

__all__ = [
    "AsyncClient",
    "Changed",
    "ClientError",
    "CommandRejectedError",
    "Hello",
    "InboxSocket",
    "KafkaClient",
    "KafkaRejectedError",
    "Live",
    "Notified",
    "ProblemError",
    "Reset",
    "SocketEndedError",
    "SyncInboxSocket",
    "UnexpectedAnswerError",
    "UnreachableError",
]

_MODULES: Final = {
    "AsyncClient": "carillon.client",
    "InboxSocket": "carillon.sockets.inbox_socket",
    "KafkaClient": "carillon.kafka_client",
    "SyncInboxSocket": "carillon.sockets.sync_inbox_socket",
    **dict.fromkeys(("Changed", "Hello", "Live", "Notified", "Reset"), "carillon.sockets.events"),
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for: the commands in this package must not pay for the HTTP client."""
    if name not in __all__:
        raise AttributeError(f"module 'carillon' has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "carillon.errors")), name)
