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
    CONSOLE = "console"
    SINK = "sink"


MODULES = {name: f"services.{name}.app" for name in ServiceName} | {ServiceName.SINK: "sandbox.sink.app"}
