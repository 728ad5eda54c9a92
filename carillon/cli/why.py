"""`carillon why`: what happened to one notification, or to one event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State

if TYPE_CHECKING:
    from carillon.client import AsyncClient


def why(
    notification: Annotated[
        str, typer.Argument(help="Its id, or an event's, as `carillon send` and the API print it.")
    ],
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print the console's answer as JSON.")] = False,
    url: target.Url = None,
    console_url: target.ConsoleUrl = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show what happened to a notification, rule by rule, or to an event, workflow by workflow; and what is to be done.

    Example: carillon why 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    from rich.console import Console

    from carillon.cli import event, timeline

    found = target.carried_out(_found(target.client(state, url, console_url, key), notification))
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in event.lines(found) if "workflows" in found else timeline.lines(found):
        console.print(line, soft_wrap=True)


async def _found(client: AsyncClient, wanted: str) -> dict[str, Any]:
    """The timeline of a notification, else the report of an event of this id. Raises the first's ProblemError."""
    from carillon.errors import ProblemError

    async with client as carillon:
        with target.checked_arguments("give the id that was printed when it was sent"):
            try:
                return await carillon.timeline(wanted)
            except ProblemError as error:
                if error.status != 404:
                    raise
                try:
                    return await carillon.event(wanted)
                except ProblemError as also:
                    raise (error if also.status == 404 else also) from also
