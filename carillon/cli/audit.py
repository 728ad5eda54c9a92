"""`carillon audit`: who did what."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import urlencode

import typer

from carillon.cli import target
from carillon.cli.letters import ConsoleCalls, LetterJson, chosen
from carillon.cli.options import DEFAULT_STATE, State


def audit(
    *,
    action: Annotated[
        str | None, typer.Option(help="dead_letter_redriven, dead_letter_edited, tenant_stopped, …")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Since then: 2026-01-05T08:00:00Z, or 2h, 3d.")] = None,
    most: Annotated[int, typer.Option(min=1, max=500, help="The newest of them.")] = 50,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show who redrove, edited or discarded dead letters, changed a tenant, stopped it, lifted a stop or many suppressions.

    Example: carillon audit --action tenant_stopped --since 7d
    """
    wanted = chosen(action=action, since=since) | {"limit": str(most)}
    found = ConsoleCalls(state, url, console_url, key).do("GET", f"/v1/audit?{urlencode(wanted)}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for entry in found["entries"]:
        details = ", ".join(f"{name}={value}" for name, value in entry["details"].items() if value is not None)
        typer.echo(f"{entry['at']}  {entry['actor']:<12}  {entry['action']}  {entry['subject']}  {details}".rstrip())
