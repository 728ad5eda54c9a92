"""`carillon why`: what happened to one notification."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State

if TYPE_CHECKING:
    from carillon.client import AsyncClient


def why(
    notification: Annotated[str, typer.Argument(help="Its id, as `carillon send` and the API print it.")],
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print the console's answer as JSON.")] = False,
    url: target.Url = None,
    console_url: target.ConsoleUrl = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show what happened to a notification, rule by rule, and what is to be done.

    Example: carillon why 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    from rich.console import Console

    from carillon.cli.timeline import lines

    timeline = target.carried_out(_timeline(target.client(state, url, console_url, key), notification))
    if json_:
        typer.echo(json.dumps(timeline, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in lines(timeline):
        console.print(line, soft_wrap=True)


async def _timeline(client: AsyncClient, notification: str) -> dict[str, Any]:
    async with client as carillon:
        with target.checked_arguments("give the id that was printed when it was sent"):
            return await carillon.timeline(notification)
