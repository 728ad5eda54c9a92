"""`carillon cancel`: take back what was sent with a cancellation key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from carillon.client import AsyncClient


def cancel(
    cancellation_key: Annotated[str, typer.Argument(help="The key that it was sent with.")],
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take it out of inboxes as well, on every device, read or not.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Cancel what was accepted with a key and is not sent yet; what is sent with the key afterwards lives.

    Example: carillon cancel message-17 --withdraw
    """

    async def work(client: AsyncClient) -> dict[str, Any]:
        async with client as carillon:
            with target.checked_arguments(f"{program()} cancel --help"):
                return await carillon.cancel(cancellation_key, withdraw=withdraw)

    answer = target.carried_out(work(target.client(state, url, None, key)))
    if json_:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    inboxes = f", {answer['items_withdrawn']} leave inboxes" if withdraw else ""
    typer.echo(f"cancelled  {answer['holds_cancelled']} that waited{inboxes}")
