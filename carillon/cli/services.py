"""The services that can be run, and where each starts."""

from __future__ import annotations

from enum import StrEnum


class ServiceName(StrEnum):
    """What can be run."""

    INGEST = "ingest"
    ROUTER = "router"
    SCHEDULER = "scheduler"
    DELIVERY = "delivery"
    GATEWAY = "gateway"
    SOCKETIO = "socketio"
    CONSOLE = "console"
    SINK = "sink"
    PLAYGROUND = "playground"
    WORKORDERS = "workorders"


_LOCAL = (ServiceName.SINK, ServiceName.PLAYGROUND, ServiceName.WORKORDERS)
"""What only a local stack has."""
MODULES = {name: f"{'sandbox' if name in _LOCAL else 'services'}.{name}.app" for name in ServiceName}
MODULES[ServiceName.SOCKETIO] = "services.gateway.socketio.app"
