"""`carillon stats`: how many of what, and the variants of a workflow beside each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import typer

from carillon.cli import target
from carillon.cli.letters import ConsoleCalls, LetterJson, chosen
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

PATH: Final = "/v1/analytics"
FIRST: Final = ("sent", "delivered", "read", "dead", "held", "suppressed")
"""These columns come first, where anything is in them; then the others."""
_Since = Annotated[str, typer.Option(help="From then on: 24h, 30d, or 2026-01-05T08:00:00Z.")]
_Until = Annotated[str | None, typer.Option(help="Up to then: the same; now.")]
_OfChannel = Annotated[str | None, typer.Option(help="Of this channel only: email, in_app, …")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def stats(
    context: typer.Context,
    *,
    by: Annotated[
        str, typer.Option(help="A row for each of these: workflow, channel, provider, variant, locale; with commas.")
    ] = "workflow,channel",
    since: _Since = "24h",
    until: _Until = None,
    step: Annotated[
        str | None, typer.Option(help="And for each minute, hour or day; minutes are kept 2 days, hours 90.")
    ] = None,
    workflow: Annotated[str | None, typer.Option(help="Of this workflow only.")] = None,
    channel: _OfChannel = None,
    provider: Annotated[str | None, typer.Option(help="Of this provider's account only.")] = None,
    variant: Annotated[str | None, typer.Option(help="Of this variant only.")] = None,
    locale: Annotated[str | None, typer.Option(help="Of readers of this language only, as pt-BR.")] = None,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Count what became of notifications: sent, delivered, read, failed; by workflow, channel, variant and more.

    Statuses by outcome, with rates and the sums of all. Seconds old at most; times are UTC.

    What concerns a whole notification (held, suppressed) has no channel, and is in a row without one.

    Examples: carillon stats --since 7d

    carillon stats --by channel,provider --step hour --since 24h

    carillon stats --by locale --workflow order.shipped --since 30d
    """
    if context.invoked_subcommand is not None:
        return
    wanted = chosen(
        by=by, since=since, until=until, step=step, workflow=workflow, channel=channel, provider=provider,
        variant=variant, locale=locale,
    )  # fmt: skip
    found = _call(state, url, console_url, key).do("GET", f"{PATH}/deliveries?{urlencode(_times(wanted))}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    names = [*(["start"] if step else []), *(name for name in by.split(",") if name)]
    rows = found["rows"]
    _show(_table(names, rows, found["totals"]))
    typer.echo(f"{found['from']} to {found['to']}, by whole {found['step']}s{_notes(found)}")
    if not found["totals"]["counts"]:
        typer.echo(f"Nothing is counted in that time; what was before analytics: {program()} stats recount --since 80d")


@app.command("variants")
def variants(
    workflow: Annotated[str, typer.Argument(help="Its key, as in the catalog.")],
    *,
    since: _Since = "7d",
    until: _Until = None,
    channel: _OfChannel = None,
    json_: LetterJson = False,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show a workflow's variants beside each other: how many of each were sent, delivered, read.

    Each rate has its 95 % interval. Where two overlap, neither is better yet: wait for more.

    Example: carillon stats variants order.shipped --channel in_app --since 14d
    """
    wanted = _times(chosen(workflow=workflow, since=since, until=until, channel=channel))
    found = _call(state, url, console_url, key).do("GET", f"{PATH}/variants?{urlencode(wanted)}")
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    from rich.table import Table

    rates = sorted({name for row in found["variants"] for name in row["rates"]})
    table = Table("variant", "sent", *rates, box=None)
    for row in found["variants"]:
        shown = (_interval(row["rates"].get(name)) for name in rates)
        table.add_row(row.get("variant", "-"), str(row["sent"]), *shown)
    _show(table)
    typer.echo(f"{workflow}, {found['from']} to {found['to']}{_notes(found)}")


@app.command("recount")
def recount(
    *,
    since: _Since,
    until: _Until = None,
    console_url: target.ConsoleUrl = None,
    url: target.Url = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Count a time anew from the statuses that are kept (89 days), as after an upgrade. Repeated it changes nothing.

    What is older stays as it was counted.

    Example: carillon stats recount --since 89d
    """
    wanted = _times(chosen(since=since, until=until))
    found = _call(state, url, console_url, key).do("POST", f"{PATH}/recount?{urlencode(wanted)}")
    typer.echo(
        f"{found['marked']} minutes and hours are counted anew, from {found['from']} to {found['to']}; "
        f"{program()} stats says how many are pending"
    )


def _call(state: State, url: str | None, console_url: str | None, key: str | None) -> ConsoleCalls:
    return ConsoleCalls(state, url, console_url, key)


def _times(wanted: Mapping[str, str]) -> dict[str, str]:
    """As the API calls them."""
    api = {"since": "from", "until": "to"}
    return {api.get(name, name): value for name, value in wanted.items()}


def _table(names: Sequence[str], rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any]) -> Table:
    from rich.table import Column, Table

    found = totals["counts"]
    outcomes = [name for name in FIRST if name in found] + sorted(found.keys() - set(FIRST))
    rates = sorted(totals["rates"])
    columns = [Column(name, no_wrap=True) for name in names]
    table = Table(
        *columns, *(Column(name, justify="right") for name in [*outcomes, *(f"{one} %" for one in rates)]), box=None
    )
    for row in [*rows, totals] if names else [totals]:
        heads = [row.get(name, "-") for name in names]
        if row is totals and names:
            heads = ["all", *("" for _ in names[1:])]
        counts = (str(row["counts"].get(name, "")) for name in outcomes)
        table.add_row(*heads, *counts, *(_percent(row["rates"].get(name)) for name in rates))
    return table


def _percent(rate: Mapping[str, Any] | None) -> str:
    return f"{rate['rate']:.1%}" if rate and "rate" in rate else ""


def _interval(rate: Mapping[str, Any] | None) -> str:
    if rate is None:
        return ""
    of = f"{rate['count']} of {rate['of']}"
    return f"{rate['rate']:.1%} ({rate['low']:.1%} to {rate['high']:.1%}; {of})" if "rate" in rate else of


def _notes(found: Mapping[str, Any]) -> str:
    pending = f"; {found['pending']} minutes are being counted" if found["pending"] else ""
    return pending + (f"; {found['folded']} are under `other`: too many kinds" if found["folded"] else "")


def _show(table: Table) -> None:
    from rich.console import Console

    Console().print(table)
