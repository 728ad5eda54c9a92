"""`carillon migrate` and `carillon catalog`: what MongoDB must hold before the services start."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from shared.model.workflows import Workflow
    from shared.process.settings import Settings

catalog = typer.Typer(help="Workflows: publishing a folder of YAML files, and what is published.", no_args_is_help=True)

CatalogTenant = Annotated[str, typer.Option(help="The tenant they belong to.")]
Listing = dict[str, "Workflow"]


def migrate(state: State = DEFAULT_STATE) -> None:
    """Bring the database to this version's schema: indexes, the epoch, rows of before. Safe to interrupt and to repeat.

    Example: CARILLON_MONGO='mongodb://db/?replicaSet=rs0' carillon migrate
    """
    from shared.mongo.migrations import migrate as bring_up
    from shared.mongo.settings import MigrationSettings

    settings = target.settings_of(state, MigrationSettings)
    version = target.carried_out(bring_up(settings.mongo, settings.mongo_database, settings.retention, typer.echo))
    typer.echo(f"The database {settings.mongo_database} has schema version {version}")


@catalog.command("publish")
def publish_folder(
    folder: Annotated[
        Path, typer.Argument(exists=True, help="A file, or a folder: every *.yaml and *.yml below it is a workflow.")
    ],
    tenant: CatalogTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Publish what differs from its newest version; all files must be right, or nothing is published.

    Example: carillon catalog publish catalog/orders
    """
    from shared.model.errors import InvalidWorkflow

    try:
        found = _read_checked(folder)
    except InvalidWorkflow as error:
        where = f" at {error.pointer}" if error.pointer else ""
        target.fail(
            f"Nothing was published. {error.detail}{where}", "correct the file (docs/workflows.md), run this again"
        )
    if not found:
        target.fail(
            f"There is no *.yaml or *.yml below {folder}.", "docs/workflows.md shows what a workflow looks like"
        )
    twice = [key for key, count in Counter(workflow.key for workflow in found).items() if count > 1]
    if twice:
        target.fail(f"Nothing was published. Two files have the key {twice[0]}.", "give one of them another key")
    new, newest = target.carried_out(_publish(target.settings(state), tenant, found))
    for workflow in found:
        word = "published" if workflow.key in new else "unchanged"
        typer.echo(f"{word}  {workflow.key}  version {newest[workflow.key].version}")
    typer.echo(f"{len(new)} published, {len(found) - len(new)} unchanged, tenant {tenant}")


@catalog.command("list")
def list_published(tenant: CatalogTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Show the newest version of every published workflow.

    Example: carillon catalog list
    """
    from rich.console import Console
    from rich.table import Column, Table

    newest = target.carried_out(_newest(target.settings(state), tenant))
    if not newest:
        target.fail(f"The tenant {tenant} has no workflow.", f"{program()} catalog publish catalog")
    table = Table(
        Column("workflow", no_wrap=True), "version", "category", "priority", "channels", Column("started by", overflow="fold"),
        box=None,
    )  # fmt: skip
    for key, workflow in sorted(newest.items()):
        channels = " ".join(workflow.channels)
        marks = [
            workflow.priority,
            *(["critical"] if workflow.critical else []),
            *([] if workflow.active else ["inactive"]),
        ]
        started = ", ".join(workflow.on) or "the notification API only"
        table.add_row(key, str(workflow.version), workflow.category, " ".join(marks), channels, started)
    Console().print(table)


def _read_checked(folder: Path) -> list[Workflow]:
    """The workflows with texts that can be rendered. Raises InvalidWorkflow, file and line in its detail."""
    from carillon.cli.templates import check_templates
    from shared.catalog.files import place_in, read_file, workflow_files
    from shared.model.errors import InvalidWorkflow

    found = []
    for path in workflow_files(folder):
        found.append(read_file(path))
        try:
            check_templates(found[-1])
        except InvalidWorkflow as error:
            detail = f"{place_in(path, error.pointer or '')}: {error.detail}"
            raise InvalidWorkflow(error.code, detail, error.pointer) from error
    return found


async def _publish(settings: Settings, tenant: str, found: list[Workflow]) -> tuple[set[str], Listing]:
    """The keys that got a new version, and the newest version of each workflow."""
    from shared.catalog.publishing import publish
    from shared.kafka.producer import Publisher
    from shared.mongo.database import open_database

    async with open_database(settings.mongo, settings.mongo_database) as database:
        publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
        await publisher.start()
        try:
            new = await publish(database, publisher, settings.topics, tenant, found)
        finally:
            await publisher.stop()
    return {workflow.key for workflow in new}, await _newest(settings, tenant)


async def _newest(settings: Settings, tenant: str) -> Listing:
    from shared.catalog.cache import Catalog
    from shared.mongo.database import open_database

    async with open_database(settings.mongo, settings.mongo_database) as database:
        published = Catalog(database)
        await published.load()
    keyed = {key: published.readable(tenant, key) for key in published.keys(tenant)}
    return {key: workflow for key, workflow in keyed.items() if workflow is not None}
