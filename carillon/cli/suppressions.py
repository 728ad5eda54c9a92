"""`carillon suppressions`: addresses that nothing is sent to."""

from __future__ import annotations

from typing import Annotated

import typer

from carillon.cli import target
from carillon.cli.letters import chosen
from carillon.cli.options import DEFAULT_STATE, State

app = typer.Typer(help="The suppression list: addresses that nothing is sent to.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The suppression list: addresses that nothing is sent to."""


@app.command("lift")
def lift(
    *,
    reason: Annotated[
        str, typer.Option(help="That are there for this reason: bounced, complained, unsubscribed, manual.")
    ],
    by: Annotated[
        str | None, typer.Option(help="That this one put there: email/sendgrid, sms/twilio, a key's id.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Put there since: 2026-01-05T08:00:00Z, or 2h, 3d.")] = None,
    until: Annotated[str | None, typer.Option(help="Put there before: the same.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Take nothing off; say how many it would be.")] = False,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Send again to all addresses that are on the list for a reason: after a provider's bad hour, say.

    Example: carillon suppressions lift --reason bounced --by email/sendgrid --since 6h --dry-run
    """
    times = chosen(since=since, until=until)

    async def work() -> str:
        done, more = 0, True
        async with target.client(state, url, None, key) as carillon:
            while more:
                found = await carillon.lift_suppressions(reason, by=by, dry_run=dry_run, **times)
                done, more = done + found["entries"], found["more"]
                if dry_run:
                    return f"{done}{' or more' if more else ''} would be taken off"
        return f"{done} taken off"

    typer.echo(target.carried_out(work()))
