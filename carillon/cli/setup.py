"""`carillon migrate`: what MongoDB must hold before the services start."""

from __future__ import annotations

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State


def migrate(state: State = DEFAULT_STATE) -> None:
    """Bring the database to this version's schema: indexes, the epoch, rows of before. Safe to interrupt and to repeat.

    Example: CARILLON_MONGO='mongodb://db/?replicaSet=rs0' carillon migrate
    """
    from shared.mongo.migrations import migrate as bring_up
    from shared.mongo.settings import MigrationSettings

    settings = target.settings_of(state, MigrationSettings)
    version = target.carried_out(bring_up(settings.mongo, settings.mongo_database, settings.retention, typer.echo))
    typer.echo(f"The database {settings.mongo_database} has schema version {version}")
