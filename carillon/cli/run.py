"""`carillon run SERVICE`: one service in this process, as containers and the supervisor start it."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

from carillon.cli.services import MODULES, ServiceName


def run(service: Annotated[ServiceName, typer.Argument(help="Settings come from CARILLON_* variables.")]) -> None:
    """Run one service until SIGTERM.

    Example: CARILLON_KAFKA=broker:9092 CARILLON_MONGO='mongodb://db/?replicaSet=rs0' carillon run router
    """
    from carillon.cli.variables import warn_of_unknown_variables
    from shared.process.logging import configure_logging

    configure_logging(service)
    warn_of_unknown_variables()  # before the settings are read: what is missing there may be misspelt here
    import_module(MODULES[service]).main()
