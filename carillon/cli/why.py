"""`carillon why` and `carillon why-not`: what happened to a notification or an event, and why somebody got nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text

    from carillon.client import AsyncClient

ConsoleJson = Annotated[bool, typer.Option("--json", help="Print the console's answer as JSON.")]


def why(
    notification: Annotated[
        str, typer.Argument(help="Its id, or an event's, as `carillon send` and the API print it.")
    ],
    *,
    rules: Annotated[
        bool,
        typer.Option("--rules", help="The timeline: every rule that was asked, every status, where records stood."),
    ] = False,
    json_: ConsoleJson = False,
    url: target.Url = None,
    console_url: target.ConsoleUrl = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Tell in sentences what happened to a notification, what it waits for, and what is to be done; or to an event.

    Example: carillon why 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    from carillon.cli import event, sentences, timeline

    found = target.carried_out(_found(target.client(state, url, console_url, key), notification, rules=rules))
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
    elif "workflows" in found:
        _print(event.lines(found))
    else:
        _print(timeline.lines(found) if rules else sentences.why_lines(found))


def why_not(
    user: Annotated[str, typer.Argument(help="A user id.")],
    event: Annotated[str, typer.Argument(help="An event's id, as `carillon send` and the API print it.")],
    *,
    json_: ConsoleJson = False,
    url: target.Url = None,
    console_url: target.ConsoleUrl = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Tell why a user did not get something of an event.

    Example: carillon why-not ana 0b0f3d5c-3c43-5f3e-9a55-7d1d0c6f9a10
    """
    from carillon.cli import sentences

    async def work() -> dict[str, Any]:
        async with target.client(state, url, console_url, key) as carillon:
            with target.checked_arguments("give a user id, and the event's id that was printed when it was sent"):
                return await carillon.why_not(user, event)

    found = target.carried_out(work())
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(sentences.why_not_lines(found))


def _print(lines: Iterable[Text]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


async def _found(client: AsyncClient, wanted: str, *, rules: bool) -> dict[str, Any]:
    """About a notification, else the report of an event of this id. Raises the first's ProblemError."""
    from carillon.errors import ProblemError

    async with client as carillon:
        with target.checked_arguments("give the id that was printed when it was sent"):
            try:
                return await (carillon.timeline(wanted) if rules else carillon.why(wanted))
            except ProblemError as error:
                if error.status != 404:
                    raise
                try:
                    return await carillon.event(wanted)
                except ProblemError as also:
                    raise (error if also.status == 404 else also) from also
