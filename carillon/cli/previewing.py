"""`carillon template`: the texts of a workflow, as they would be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.tenants import TenantSettings

app = typer.Typer(help="The texts of workflows.", no_args_is_help=True)
NOBODY: Final = "somebody"
"""Whom it is for, where nobody is named."""


@app.command("preview")
def preview(
    workflow: Annotated[str, typer.Argument(help="A workflow's file, or the key of a published one.")],
    *,
    event: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A CloudEvent as JSON, or its data alone.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="The data as a JSON object, instead of --event.")] = None,
    user: Annotated[
        str, typer.Option(help="A user id, or an inline person as JSON, with name, locale, zone.")
    ] = NOBODY,
    channel: Annotated[list[str] | None, typer.Option(help="Only this channel; repeat.")] = None,
    locale: Annotated[list[str] | None, typer.Option(help="A language to render in, as de or pt-BR; repeat.")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="Only this variant; repeat.")] = None,
    zone: Annotated[str | None, typer.Option(help="The recipient's time zone, as Europe/Berlin.")] = None,
    brand: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for tenant.brand; repeat.")] = None,
    html: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the first HTML part into this file.")] = None,
    tenant: Annotated[str, typer.Option(help="Whose brand and profiles they are.")] = "default",
    json_: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Show every message of a workflow as it would be sent, on each channel, whoever would get it; nothing is sent.

    Exits 1 if one would be a dead letter. Who gets what, and when: carillon catalog try.

    Example: carillon template preview catalog/orders/order_shipped.yaml --data '{"order":"A-1"}' --locale de
    """
    import msgspec

    from carillon.cli.catalog import workflow_of
    from carillon.cli.rehearsing import Shown, previews
    from carillon.cli.trying import asked
    from shared.model.quiet_windows import is_zone

    if event is not None and data is not None:
        raise typer.BadParameter("--event or --data, not both")
    if zone is not None and not is_zone(zone):
        raise typer.BadParameter(f"{zone[:60]!r} is no IANA time zone, as Europe/Berlin")
    found = workflow_of(workflow, tenant, state)
    _known(channel or (), found.channels, "channel")
    _known(variant or (), [each.key for each in found.variants], "variant")
    raw = event.read_bytes() if event else (data or "{}").encode(errors="surrogatepass")
    _, _, (inputs, *_) = asked(found, raw, [user], tenant=tenant, state=state)
    if brand:
        inputs = msgspec.structs.replace(inputs, tenant=_branded(inputs.tenant, tenant, brand))
    messages = previews(inputs, Shown(channel or (), locale or (), variant or (), zone))
    _show(messages, json_=json_)
    if html is not None:
        _write(html, messages)
    if any("error" in message for message in messages):
        raise typer.Exit(1)


def _known(named: Sequence[str], there: Sequence[str], what: str) -> None:
    for each in named:
        if each not in there:
            raise typer.BadParameter(f"the workflow has no {what} {each!r}; it has {', '.join(there) or 'none'}")


def _branded(settings: TenantSettings | None, tenant: str, brand: Sequence[str]) -> TenantSettings:
    import msgspec

    from shared.model.tenants import TenantSettings

    pairs = [each.partition("=") for each in brand]
    if any(not equals or not name for name, equals, _ in pairs):
        raise typer.BadParameter("--brand NAME=VALUE, as shop=Acme")
    settings = settings or TenantSettings(tenant=tenant)
    return msgspec.structs.replace(settings, brand=settings.brand | {name: value for name, _, value in pairs})


def _show(messages: Sequence[dict[str, Any]], *, json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(list(messages), ensure_ascii=False))
        return
    from rich.console import Console

    from carillon.cli.trying import message_lines

    console = Console(highlight=False)
    for message in messages:
        parts = message.get("parts", {})
        short = {name: _size(part) if name == "html" else part for name, part in parts.items()}
        for line in message_lines(message | {"at": message["step"]} | ({"parts": short} if parts else {})):
            console.print(line, soft_wrap=True)


def _size(html: str) -> str:
    return f"{len(html.encode(errors='replace')):,} bytes; --html FILE writes it"


def _write(path: Path, messages: Sequence[dict[str, Any]]) -> None:
    found = next((message for message in messages if "html" in message.get("parts", {})), None)
    if found is None:
        target.fail("No message has an HTML part.", f"{program()} template preview --help")
    path.write_text(found["parts"]["html"], "utf-8")
    about = " ".join(str(found[name]) for name in ("channel", "step", "locale", "variant") if name in found)
    typer.echo(f"{path}: {about}", err=True)
