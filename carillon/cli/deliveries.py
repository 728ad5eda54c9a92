"""`carillon deliveries`: where they stand, by what they are about, by state, and by whom they are for."""

from __future__ import annotations

import json
import sys
from typing import Annotated
from urllib.parse import urlencode

import typer

from carillon.cli import target
from carillon.cli.letters import ConsoleCalls, LetterJson, chosen
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

PATH = "/v1/deliveries"
WIDTH = 180
"""Where no terminal says how wide it is: nothing is broken for what reads line by line."""


def deliveries(
    *,
    subject: Annotated[str | None, typer.Option(help="What they are about, as complaint/123.")] = None,
    in_: Annotated[
        str | None,
        typer.Option(
            "--in",
            help="In this state, as sent, retrying, dead (or several: sent,delivered); or open: more is to come.",
        ),
    ] = None,
    channel: Annotated[str | None, typer.Option(help="On this channel: email, sms, …")] = None,
    workflow: Annotated[
        str | None, typer.Option(help="Of this workflow, or of all whose keys begin so: orders.*")
    ] = None,
    user: Annotated[str | None, typer.Option(help="To this user.")] = None,
    since: Annotated[str | None, typer.Option(help="Accepted since: 2026-01-05T08:00:00Z, or 2h, 3d.")] = None,
    until: Annotated[str | None, typer.Option(help="Accepted before: the same.")] = None,
    most: Annotated[int, typer.Option(min=1, max=500, help="The newest of them.")] = 50,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show where deliveries stand, and notifications that wait or went nowhere; those accepted last first.

    Examples: carillon deliveries --subject complaint/123

    carillon deliveries --in open --until 1h
    """
    from rich.console import Console
    from rich.table import Column, Table

    wanted = chosen(
        subject=subject, state=in_, channel=channel, workflow=workflow, user=user, since=since, until=until
    )  # fmt: skip
    call = ConsoleCalls(state, url, console_url, key)
    found = call.do("GET", f"{PATH}?{urlencode(wanted | {'limit': str(most)})}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table(
        Column("notification", no_wrap=True), Column("workflow, channel", overflow="fold"),
        Column("user", overflow="fold"), Column("state", no_wrap=True), Column("why", overflow="fold"),
        Column("accepted", overflow="fold"), Column("due", overflow="fold"), box=None,
    )  # fmt: skip
    for each in found["deliveries"]:
        about = " ".join(filter(None, (each.get("workflow"), each.get("channel"))))
        why = " ".join(filter(None, (each.get("reason"), each.get("code"))))
        table.add_row(
            each["notification"], about, each["user"], each["state"], why, each["accepted_at"], each.get("due")
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    more = ", and there are more: --most" if found["cursor"] else ""
    typer.echo(f"{len(found['deliveries'])} shown{more}; {program()} why NOTIFICATION says what led there")
