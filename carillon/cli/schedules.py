"""`carillon schedules`: what repeats by a cron expression."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State

if TYPE_CHECKING:
    from carillon.client import AsyncClient

app = typer.Typer(help="Sends that repeat: list, pause, resume, delete.", no_args_is_help=True)

ScheduleId = Annotated[str, typer.Argument(help="The schedule's id; `carillon schedules list` shows them.")]
Answered = dict[str, Any]


@app.command("list")
def list_schedules(
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show all schedules, and when each fires next.

    Example: carillon schedules list
    """
    from rich.console import Console
    from rich.table import Table

    async def all_of(client: AsyncClient) -> list[Answered]:
        found: list[Answered] = []
        after: str | None = ""
        while after is not None:
            page = await client.schedules(after=after)
            found += page["schedules"]
            after = page["after"]
        return found

    rows = _done(all_of, url, key, state)
    if json_:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("id", "workflow", "cron", "zone", "state", "next", box=None)
    for row in rows:
        table.add_row(row["id"], row["workflow"], row["cron"], row["zone"], row["state"], row.get("next_at", ""))
    Console().print(table)


@app.command("pause")
def pause(
    schedule: ScheduleId, *, url: target.Url = None, key: target.Key = None, state: State = DEFAULT_STATE
) -> None:
    """Let a schedule fire no more until it is resumed.

    Example: carillon schedules pause weekly-offers
    """
    _done(lambda client: client.pause_schedule(schedule), url, key, state)
    typer.echo(f"{schedule} is paused")


@app.command("resume")
def resume(
    schedule: ScheduleId, *, url: target.Url = None, key: target.Key = None, state: State = DEFAULT_STATE
) -> None:
    """Let a schedule fire again from now; what it missed is not made up for.

    Example: carillon schedules resume weekly-offers
    """
    found = _done(lambda client: client.resume_schedule(schedule), url, key, state)
    typer.echo(f"{schedule} is {found['state']}, next at {found.get('next_at', 'no time')}")


@app.command("delete")
def delete(
    schedule: ScheduleId, *, url: target.Url = None, key: target.Key = None, state: State = DEFAULT_STATE
) -> None:
    """Delete a schedule. What it has sent already goes its way.

    Example: carillon schedules delete weekly-offers
    """
    _done(lambda client: client.delete_schedule(schedule), url, key, state)
    typer.echo(f"{schedule} is deleted")


def _done(call: Callable[[AsyncClient], Awaitable[Any]], url: str | None, key: str | None, state: State) -> Any:
    async def work(client: AsyncClient) -> Any:
        async with client as carillon:
            with target.checked_arguments("carillon schedules list"):
                return await call(carillon)

    return target.carried_out(work(target.client(state, url, None, key)))
