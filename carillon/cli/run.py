"""`carillon run SERVICE`: one service in this process, as containers and the supervisor start it."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer


class Name(StrEnum):
    """What can be run."""

    INGEST = "ingest"
    ROUTER = "router"
    SCHEDULER = "scheduler"
    DELIVERY = "delivery"
    GATEWAY = "gateway"
    CONSOLE = "console"
    SINK = "sink"


MODULES = {name: f"services.{name}.app" for name in Name} | {Name.SINK: "sandbox.sink.app"}


def run(service: Annotated[Name, typer.Argument(help="Settings come from CARILLON_* variables.")]) -> None:
    """Run one service until SIGTERM.

    Example: CARILLON_KAFKA=broker:9092 CARILLON_MONGO='mongodb://db/?replicaSet=rs0' carillon run router
    """
    import_module(MODULES[service]).main()
