"""`carillon catalog`: workflows as files, checked, published as versions, looked at, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from carillon.cli.catalog_files import CheckedFolder
    from shared.catalog.files import FileFault
    from shared.model.workflows import Workflow

app = typer.Typer(
    help="Workflows: YAML files that are checked as a whole and published as versions. docs/workflows.md shows one.",
    no_args_is_help=True,
)

CatalogTenant = Annotated[str, typer.Option(help="The tenant they belong to.")]
WorkflowName = Annotated[str, typer.Argument(help="The key of a published workflow, as order.shipped.")]
WorkflowPath = Annotated[
    Path, typer.Argument(exists=True, help="A file, or a folder: every *.yaml and *.yml below it is a workflow.")
]


@app.command("check")
def check(path: WorkflowPath) -> None:
    """Find every mistake of every file, with its line and the fix; needs no running platform. Exits 1 if there is one.

    Example: carillon catalog check catalog
    """
    checked = _checked(path)
    for fault in checked.faults:
        typer.echo(_lines(fault))
    if checked.faults:
        files = len({fault.place.rpartition(":")[0] if fault.line else fault.place for fault in checked.faults})
        typer.echo(f"{_count(len(checked.faults), 'mistake')} in {files} of {_count(checked.files, 'file')}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{_count(checked.files, 'workflow')}, no mistake. Next: {program()} catalog push {path}")


@app.command("push")
@app.command("publish", hidden=True)
def push(path: WorkflowPath, tenant: CatalogTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Publish what differs from its newest version; all files must be right, or nothing is published.

    Services take a new version up within a second. What was accepted before keeps the version that it has.

    Example: carillon catalog push catalog/orders
    """
    checked = _checked(path)
    if checked.faults:
        for fault in checked.faults:
            typer.echo(_lines(fault), err=True)
        target.fail("Nothing was published.", "correct what is named above, run this again")
    from carillon.cli.catalog_store import publish_all

    new, newest = target.carried_out(publish_all(target.settings(state), tenant, checked.workflows))
    for workflow in checked.workflows:
        word = "published" if workflow.key in new else "unchanged"
        typer.echo(f"{word}  {workflow.key}  version {newest[workflow.key].version}")
    typer.echo(f"{len(new)} published, {len(checked.workflows) - len(new)} unchanged, tenant {tenant}")


@app.command("list")
def list_published(tenant: CatalogTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Show the newest version of every published workflow.

    Example: carillon catalog list
    """
    from rich.console import Console
    from rich.table import Column, Table

    from carillon.cli.catalog_store import newest_of

    newest = target.carried_out(newest_of(target.settings(state), tenant))
    if not newest:
        target.fail(f"The tenant {tenant} has no workflow.", f"{program()} catalog push catalog")
    table = Table(
        Column("workflow", no_wrap=True), "version", "category", "priority", "steps", "channels",
        Column("started by", overflow="fold"),
        box=None,
    )  # fmt: skip
    for key, workflow in sorted(newest.items()):
        marks = [
            workflow.priority,
            *(["critical"] if workflow.critical else []),
            *([] if workflow.active else ["inactive"]),
        ]
        steps = " ".join(step.key for step in workflow.steps)
        started = ", ".join(workflow.on) or "the notification API only"
        table.add_row(
            key, str(workflow.version), workflow.category, " ".join(marks), steps, " ".join(workflow.channels), started
        )
    Console().print(table)


@app.command("history")
def history(key: WorkflowName, tenant: CatalogTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Show the versions of a workflow, the newest first: when each was published, and what it changed.

    Example: carillon catalog history order.shipped
    """
    from rich.console import Console
    from rich.table import Column, Table

    from carillon.cli.catalog_store import MAX_VERSIONS, versions_of
    from shared.catalog.changes import changes

    found = target.carried_out(versions_of(target.settings(state), tenant, key))
    if not found:
        target.fail(f"The tenant {tenant} has no workflow {key}.", f"{program()} catalog list --tenant {tenant}")
    table = Table("version", Column("published", no_wrap=True), Column("what changed", overflow="fold"), box=None)
    for position, version in enumerate(found[:MAX_VERSIONS]):
        before = found[position + 1].workflow if position + 1 < len(found) else None
        if version.workflow is None:
            what = "only a newer version of Carillon can read it"
        elif before is None:
            what = "the first one" if version.number == 1 else "the one before cannot be compared"
        else:
            what = "; ".join(changes(before, version.workflow)) or "nothing"
        table.add_row(str(version.number), f"{version.published_at:%Y-%m-%d %H:%M:%S} UTC", what)
    Console().print(table)


@app.command("rollback")
def rollback(
    key: WorkflowName,
    to: Annotated[int, typer.Option(min=1, help="The version whose content comes back, as history shows them.")],
    tenant: CatalogTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Publish the content of an older version as a new one: versions never change, and history keeps both.

    Example: carillon catalog rollback order.shipped --to 3
    """
    from carillon.cli.catalog_store import publish_again

    settings = target.settings(state)
    look = f"{program()} catalog history {key} --tenant {tenant}"
    number, is_new = target.carried_out(publish_again(settings, tenant, key, to))
    if number is None:
        target.fail(f"Nothing was published: {key} of {tenant} has no version {to} that can be read here.", look)
    if is_new:
        typer.echo(f"published  {key}  version {number}, with the content of version {to}")
    else:
        typer.echo(f"unchanged  {key}  version {number} has the content of version {to} already")


@app.command("draw")
def draw(
    workflow: Annotated[str, typer.Argument(help="A workflow's file, or the key of a published one.")],
    tenant: CatalogTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Print a workflow as a Mermaid flowchart: steps, branches, waits, channels and fallbacks.

    Example: carillon catalog draw catalog/orders/order_shipped.yaml
    """
    from shared.catalog.drawing import mermaid

    typer.echo(mermaid(workflow_of(workflow, tenant, state)), nl=False)


def workflow_of(name: str, tenant: str, state: Path) -> Workflow:
    """The workflow of a file, or the newest published one of a key. Exits with what is wrong, and the next step."""
    return _of_file(Path(name)) or _published(name, tenant, state)


def _of_file(path: Path) -> Workflow | None:
    if not path.is_file():
        return None
    checked = _checked(path)
    if checked.faults:
        for fault in checked.faults:
            typer.echo(_lines(fault), err=True)
        target.fail("Nothing was done.", f"correct what is named above; {program()} catalog check {path}")
    return checked.workflows[0]


def _published(key: str, tenant: str, state: Path) -> Workflow:
    from carillon.cli.catalog_store import newest_of

    found = target.carried_out(newest_of(target.settings(state), tenant)).get(key)
    if found is None:
        target.fail(f"There is no file and no workflow {key} of {tenant}.", f"{program()} catalog list")
    return found


def _checked(path: Path) -> CheckedFolder:
    from carillon.cli.catalog_files import check_folder

    checked = check_folder(path)
    if not checked.files:
        target.fail(f"There is no *.yaml or *.yml below {path}.", "docs/workflows.md shows what a workflow looks like")
    return checked


def _lines(fault: FileFault) -> str:
    from carillon.cli.catalog_files import lines_of

    return lines_of(fault)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
