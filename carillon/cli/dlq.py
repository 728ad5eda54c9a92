"""`carillon dlq`: deliveries that failed for good, what they have in common, and what was to be sent."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote, urlencode

import typer

from carillon.cli import target
from carillon.cli.letters import (
    PATH,
    ConsoleCalls,
    LetterChannel,
    LetterCode,
    LetterJson,
    LetterReason,
    LetterSince,
    LetterState,
    LetterUntil,
    LetterUser,
    LetterWorkflow,
    chosen,
)
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

app = typer.Typer(
    help="Dead letters: deliveries that failed for good. `carillon events dead` shows those of events.",
    no_args_is_help=True,
)


@app.command("list")
def list_letters(
    *,
    channel: LetterChannel = None,
    code: LetterCode = None,
    reason: LetterReason = None,
    workflow: LetterWorkflow = None,
    user: LetterUser = None,
    since: LetterSince = None,
    until: LetterUntil = None,
    in_: LetterState = "open",
    most: Annotated[int, typer.Option(min=1, max=500, help="The newest of them.")] = 50,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show deliveries that failed for good, the newest first. No address is in it.

    Example: carillon dlq list --channel email --code 550 --since 2d
    """
    from rich.console import Console
    from rich.table import Column, Table

    wanted = chosen(channel=channel, code=code, reason=reason, workflow=workflow, user=user, since=since, until=until)
    call = ConsoleCalls(state, url, console_url, key)
    found = call.do("GET", f"{PATH}?{urlencode(wanted | {'state': in_, 'limit': str(most)})}")
    letters = found["dead_letters"]
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table(
        Column("letter", no_wrap=True),
        "channel",
        "workflow",
        "why",
        Column("code", no_wrap=True),
        "tries",
        "when",
        box=None,
    )
    for letter in letters:
        why = letter["reason"] if letter["state"] == "open" else f"{letter['reason']} ({letter['state']})"
        table.add_row(
            letter["id"], letter["channel"], letter.get("workflow", "-"), why, letter["code"],
            str(letter["attempts"]), letter["at"],
        )  # fmt: skip
    Console().print(table)
    more = ", and there are more: --most" if found["cursor"] else ""
    typer.echo(f"{len(letters)} shown{more}; {program()} dlq show LETTER says what was to be sent")
    if not letters and code is not None:
        _doubt_code(call, code)


@app.command("groups")
def groups(
    *,
    channel: LetterChannel = None,
    code: LetterCode = None,
    reason: LetterReason = None,
    workflow: LetterWorkflow = None,
    user: LetterUser = None,
    since: LetterSince = None,
    until: LetterUntil = None,
    in_: LetterState = "open",
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Count what failed alike: by channel, reason and code, with what to do about it.

    Example: carillon dlq groups --since 1d
    """
    from rich.console import Console
    from rich.table import Column, Table

    wanted = chosen(channel=channel, code=code, reason=reason, workflow=workflow, user=user, since=since, until=until)
    found = ConsoleCalls(state, url, console_url, key).do("GET", f"{PATH}/groups?{urlencode(wanted | {'state': in_})}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table(
        "count", "channel", "reason", Column("code", no_wrap=True), "oldest", "newest", "what to do", box=None
    )
    for row in found["groups"]:
        table.add_row(
            str(row["count"]), row["channel"], row["reason"], row["code"], row["oldest"][:16], row["newest"][:16],
            row["next_step"] or "",
        )  # fmt: skip
    Console().print(table)
    typer.echo(f"{len(found['groups'])} groups; {program()} dlq list --code CODE shows one")


@app.command("show")
def show(
    letter: Annotated[str, typer.Argument(help="Its id, as `carillon dlq list` shows it.")],
    *,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show one with all that was to be sent, and to where: addresses and contents are in it.

    Example: carillon dlq show 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    found = ConsoleCalls(state, url, console_url, key).do("GET", f"{PATH}/{quote(letter, safe='')}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    about = found["letter"]
    for name in ("id", "state", "channel", "workflow", "user", "notification", "delivery", "generation", "at"):
        typer.echo(f"{name:<13} {about.get(name, '-')}")
    typer.echo(f"{'why':<13} {about['meaning']} (code {about['code']}, after {about['attempts']} attempts)")
    typer.echo(f"{'stood at':<13} {found.get('stood_at', '-')}")
    if "redrive" in about:
        typer.echo(f"{'redriven':<13} {json.dumps(about['redrive'])}")
    if "became" in found:
        typer.echo(f"{'the ledger':<13} {json.dumps(found['became'])}")
    for header in found.get("headers", []):
        typer.echo(f"{'header':<13} {header['name']}: {header['value']}")
    typer.echo(json.dumps(found.get("payload"), ensure_ascii=False, indent=2))
    if found.get("next_step"):
        typer.echo(f"Next: {found['next_step']}")


def _doubt_code(call: ConsoleCalls, code: str) -> None:
    """Says aside which code may be meant."""
    from shared.model.did_you_mean import did_you_mean

    found = call.do("GET", f"{PATH}/groups?state=any")
    hint = did_you_mean(code, sorted({row["code"] for row in found["groups"]}))
    typer.echo(f"No dead letter has the code {code}{hint}", err=True)
