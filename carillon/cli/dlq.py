"""`carillon dlq`: deliveries that failed for good, what they have in common, and what was to be sent."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Mapping

app = typer.Typer(
    help="Dead letters: deliveries that failed for good. `carillon events dead` shows those of events.",
    no_args_is_help=True,
)

PATH = "/v1/dead-letters"
_Channel = Annotated[str | None, typer.Option(help="Of this channel: email, sms, …")]
_Code = Annotated[
    str | None, typer.Option(help="With this code, the provider's or ours; `carillon dlq groups` shows them.")
]
_Reason = Annotated[str | None, typer.Option(help="For this reason, as `carillon why` names it.")]
_Workflow = Annotated[str | None, typer.Option(help="Of this workflow.")]
_User = Annotated[str | None, typer.Option(help="To this user.")]
_Since = Annotated[str | None, typer.Option(help="That failed since: 2026-01-05T08:00:00Z, or 2h, 3d.")]
_Until = Annotated[str | None, typer.Option(help="That failed before: the same.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the console's answer as JSON.")]
_LetterState = Annotated[str, typer.Option("--in", help="open, redriving, redriven, discarded or any.")]


@app.command("list")
def list_letters(
    *,
    channel: _Channel = None,
    code: _Code = None,
    reason: _Reason = None,
    workflow: _Workflow = None,
    user: _User = None,
    since: _Since = None,
    until: _Until = None,
    in_: _LetterState = "open",
    most: Annotated[int, typer.Option(min=1, max=500, help="The newest of them.")] = 50,
    json_: _Json = False,
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
    table = Table(Column("letter", no_wrap=True), "channel", "workflow", "why", "code", "tries", "when", box=None)
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
    channel: _Channel = None,
    code: _Code = None,
    reason: _Reason = None,
    workflow: _Workflow = None,
    user: _User = None,
    since: _Since = None,
    until: _Until = None,
    in_: _LetterState = "open",
    json_: _Json = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Count what failed alike: by channel, reason and code, with what to do about it.

    Example: carillon dlq groups --since 1d
    """
    from rich.console import Console
    from rich.table import Table

    wanted = chosen(channel=channel, code=code, reason=reason, workflow=workflow, user=user, since=since, until=until)
    found = ConsoleCalls(state, url, console_url, key).do("GET", f"{PATH}/groups?{urlencode(wanted | {'state': in_})}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    table = Table("count", "channel", "reason", "code", "oldest", "newest", "what to do", box=None)
    for row in found["groups"]:
        table.add_row(
            str(row["count"]), row["channel"], row["reason"], row["code"], row["oldest"], row["newest"],
            row["next_step"] or "",
        )  # fmt: skip
    Console().print(table)
    typer.echo(f"{len(found['groups'])} groups; {program()} dlq list --code CODE shows one")


@app.command("show")
def show(
    letter: Annotated[str, typer.Argument(help="Its id, as `carillon dlq list` shows it.")],
    *,
    json_: _Json = False,
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


class ConsoleCalls:
    """The console that a command talks to."""

    def __init__(self, state: State, url: str | None, console_url: str | None, key: str | None) -> None:
        self._where = (state, url, console_url, key)

    def do(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of one call; exits with a readable line when there is none."""

        async def work() -> dict[str, Any]:
            async with target.client(*self._where) as carillon:
                return await carillon.operate(method, path, body)

        return target.carried_out(work())


def chosen(**given: str | None) -> dict[str, str]:
    """The filter as the API takes it; a span, as `2h`, is a time so long ago."""
    wanted = {name: value for name, value in given.items() if value is not None}
    return {name: _ago(value) if name in ("since", "until") else value for name, value in wanted.items()}


def _ago(text: str) -> str:
    from shared.model.timestamps import rfc3339
    from shared.process.clock import now_ms

    span = re.fullmatch(r"([0-9]{1,4})([smhd])", text)
    if span is None:
        return text
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}[span[2]]
    return rfc3339(now_ms() - int(span[1]) * seconds * 1000)


def _doubt_code(call: ConsoleCalls, code: str) -> None:
    """Says aside which code may be meant."""
    from shared.model.did_you_mean import did_you_mean

    found = call.do("GET", f"{PATH}/groups?state=any")
    hint = did_you_mean(code, sorted({row["code"] for row in found["groups"]}))
    typer.echo(f"No dead letter has the code {code}{hint}", err=True)
