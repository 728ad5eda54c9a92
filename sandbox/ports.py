"""The ports of the local stack, all on loopback."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

HIGHEST: Final = 65_535


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Every port that a stack listens on; an offset moves all of them, so that two stacks stand side by side."""

    ingest: int = 8080
    gateway: int = 8081
    sockets: int = 8082
    console: int = 8083
    socketio: int = 5002
    sink: int = 8025
    smtp: int = 2525
    playground: int = 8088
    kafka: int = 9092
    kafka_controller: int = 9093
    mongod: int = 27017
    health_ingest: int = 9100
    health_router: int = 9101
    health_scheduler: int = 9102
    health_delivery: int = 9103
    health_gateway: int = 9104
    health_console: int = 9105
    health_sink: int = 9106
    health_playground: int = 9107
    health_socketio: int = 9108

    @classmethod
    def shifted(cls, offset: int) -> Ports:
        """The default ports plus `offset`. Raises `ValueError` when one leaves the range or two stacks would meet."""
        moved = {name: port + offset for name, port in asdict(cls()).items()}
        bad = {name: port for name, port in moved.items() if not 1 <= port <= HIGHEST}
        if bad:
            raise ValueError(f"PORT_OFFSET={offset} moves {', '.join(bad)} out of 1..{HIGHEST}; try PORT_OFFSET=1000")
        shared = set(moved.values()) & set(asdict(cls()).values()) if offset else set()
        if shared:
            raise ValueError(
                f"PORT_OFFSET={offset} would use {sorted(shared)} of the stack without one; try PORT_OFFSET=1000"
            )
        return cls(**moved)

    def table(self) -> dict[str, int]:
        """Name and port, in order."""
        return asdict(self)

    def health(self, service: str) -> int:
        """Where a service answers /livez, /readyz and /metrics."""
        return self.table()[f"health_{service}"]
