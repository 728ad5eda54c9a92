"""`carillon fanouts`: what is on its way to many, how far it is, and an end to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.model.fanouts import FanoutProgress
    from shared.mongo.fanouts import Fanouts
    from shared.process.settings import Settings

app = typer.Typer(help="Fan-outs: what is sent to topics, to all users, or to long lists.", no_args_is_help=True)

FanoutId = Annotated[str, typer.Argument(help="Its id, as the answer of the call says it.")]
FanoutTenant = Annotated[str, typer.Option(help="The tenant it belongs to.")]


@app.command("list")
def list_newest(
    most: Annotated[int, typer.Option(min=1, max=1000, help="The newest of them.")] = 20,
    tenant: FanoutTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Show the newest fan-outs.

    Example: carillon fanouts list --most 5
    """

    async def ask(fanouts: Fanouts) -> Sequence[FanoutProgress]:
        return await fanouts.newest(tenant, most=most)

    _print(target.carried_out(_asked(target.settings(state), ask)))


@app.command("show")
def show(fanout: FanoutId, tenant: FanoutTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Show how far a fan-out is.

    Example: carillon fanouts show 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """

    async def ask(fanouts: Fanouts) -> Sequence[FanoutProgress]:
        return _one(await fanouts.find(tenant, fanout))

    _print(_known(fanout, target.carried_out(_asked(target.settings(state), ask))))


@app.command("cancel")
def cancel(fanout: FanoutId, tenant: FanoutTenant = "default", state: State = DEFAULT_STATE) -> None:
    """Read no further page of a fan-out; who was on an earlier one is notified all the same.

    Example: carillon fanouts cancel 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """

    async def ask(fanouts: Fanouts) -> Sequence[FanoutProgress]:
        return _one(await fanouts.cancel(tenant, fanout))

    found = _known(fanout, target.carried_out(_asked(target.settings(state), ask)))
    if any(one.state == "done" for one in found):
        typer.echo("Nothing was left to cancel: everybody on it was notified before.", err=True)
    _print(found)


async def _asked(
    settings: Settings, ask: Callable[[Fanouts], Awaitable[Sequence[FanoutProgress]]]
) -> Sequence[FanoutProgress]:
    from shared.mongo.database import open_database
    from shared.mongo.fanouts import Fanouts

    async with open_database(settings.mongo, settings.mongo_database) as database:
        return await ask(Fanouts(database))


def _one(found: FanoutProgress | None) -> Sequence[FanoutProgress]:
    return [] if found is None else [found]


def _known(fanout: str, found: Sequence[FanoutProgress]) -> Sequence[FanoutProgress]:
    if not found:
        target.fail(f"There is no fan-out {fanout}.", f"compare the id and --tenant; {program()} fanouts list")
    return found


def _print(found: Sequence[FanoutProgress]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    from shared.model.timestamps import rfc3339

    table = Table(
        Column("fan-out", no_wrap=True), "workflow", "to", "state", "pages", "recipients", "skipped", "began", box=None
    )
    for one in found:
        to = one.topic or (f"{one.listed} named" if one.listed else "all users")
        counts = map(str, (one.pages, one.recipients, one.skipped))
        table.add_row(one.id, f"{one.workflow} v{one.version}", to, one.state, *counts, rfc3339(one.started_at))
    Console().print(table)
