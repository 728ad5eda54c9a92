"""Carillon: what users import. `from carillon import AsyncClient`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from carillon.client import AsyncClient
    from carillon.errors import (
        ClientError,
        KafkaRejectedError,
        ProblemError,
        UnexpectedAnswerError,
        UnreachableError,
    )
    from carillon.kafka_client import KafkaClient

__all__ = [
    "AsyncClient",
    "ClientError",
    "KafkaClient",
    "KafkaRejectedError",
    "ProblemError",
    "UnexpectedAnswerError",
    "UnreachableError",
]

_MODULES: Final = {"AsyncClient": "carillon.client", "KafkaClient": "carillon.kafka_client"}


def __getattr__(name: str) -> Any:
    """Loads what is asked for: the commands in this package must not pay for the HTTP client."""
    if name not in __all__:
        raise AttributeError(f"module 'carillon' has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "carillon.errors")), name)
