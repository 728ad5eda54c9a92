"""`carillon tenants`: creating them, their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.platform import on_platform
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue

    from shared.kafka.producer import Publisher
    from shared.model.tenants import TenantSettings
    from shared.mongo.database import Database
    from shared.process.settings import Settings

app = typer.Typer(help="Tenants: creating them, their settings.", no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(help="The tenant; * for what counts for all of them unless they say else.")]


@app.command("create")
def create(
    tenant: Annotated[str, typer.Argument(help="1 to 64 lower-case letters, digits, - and _.")],
    name: Annotated[str | None, typer.Option(help="What it is called in texts: tenant.name.")] = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Create a tenant and print its first API key, once: it may send, write users, read timelines and administrate.

    Example: carillon tenants create acme --name Acme
    """
    from shared.model.errors import Invalid
    from shared.model.identifiers import check_tenant
    from shared.mongo import api_keys

    try:
        check_tenant(tenant)
    except Invalid as error:
        target.fail(f"Nothing was created: {error.detail}.", f"{program()} tenants create acme")

    def settle(stored: TenantSettings) -> TenantSettings:
        if stored.version:
            target.fail(f"The tenant {tenant} is there already.", f"{program()} tenants show {tenant}")
        return _patched(stored, {"name": name} if name else {})

    async def make(database: Database, publisher: Publisher, settings: Settings) -> str:
        await _write(database, publisher, settings, tenant, settle)
        return await api_keys.create(database, tenant=tenant, scopes=frozenset(api_keys.Scope), name="first")

    typer.echo(on_platform(state, make))
    typer.echo("Keep it: it cannot be shown again.", err=True)


@app.command("list")
def list_tenants(state: State = DEFAULT_STATE) -> None:
    """Show every tenant that has settings, * first, and what is stopped.

    Example: carillon tenants list
    """
    from rich.console import Console
    from rich.table import Table

    from shared.mongo import tenants

    async def read(database: Database, _: Publisher, __: Settings) -> list[TenantSettings]:
        return await tenants.list_all(database)

    table = Table("tenant", "name", "version", "limit", "caps", "stopped", box=None)
    for each in on_platform(state, read, kafka=False):
        limit = each.limits.requests_per_second
        table.add_row(
            each.tenant, each.name or "", str(each.version), "" if limit is None else f"{limit}/s",
            str(len(each.caps) or ""), ", ".join(stop.in_words() for stop in each.stops),
        )  # fmt: skip
    Console().print(table)


@app.command("show")
def show(tenant: TenantName, state: State = DEFAULT_STATE) -> None:
    """Print a tenant's settings as JSON.

    Example: carillon tenants show acme
    """
    from shared.mongo import tenants

    async def read(database: Database, _: Publisher, __: Settings) -> TenantSettings:
        return await tenants.read(database, tenant)

    found = on_platform(state, read, kafka=False)
    if not found.version:
        typer.echo(f"Nothing was ever set of {tenant}. Is the name right? {program()} tenants list", err=True)
    typer.echo(_as_json(found))


@app.command("set")
def set_(
    tenant: TenantName,
    patch: Annotated[str, typer.Argument(help="A JSON merge patch (null removes), or @FILE that holds one.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Change parts of a tenant's settings; they count for everything that is accepted from then on.

    Example: carillon tenants set acme '{"brand": {"logo": "https://acme.example/logo.png"}}'
    """
    from pathlib import Path

    from services.ingest.models.body import InvalidFields
    from services.ingest.models.tenants import check_tenant_patch
    from shared.model.audit import CLI, AuditAction
    from shared.model.errors import Invalid
    from shared.model.identifiers import check_tenant
    from shared.model.strict_json import loads
    from shared.model.tenants import ENVIRONMENT
    from shared.mongo.audit import note

    try:
        if tenant != ENVIRONMENT:
            check_tenant(tenant)
        text = Path(patch[1:]).read_bytes() if patch.startswith("@") else patch.encode()
        wanted = check_tenant_patch(loads(text))

        async def write(database: Database, publisher: Publisher, settings: Settings) -> TenantSettings:
            changed = await _write(database, publisher, settings, tenant, lambda stored: _patched(stored, wanted))
            fields = ", ".join(sorted(wanted))
            await note(database, AuditAction.TENANT_CHANGED, tenant=tenant, actor=CLI, subject=tenant, fields=fields)
            return changed

        changed = on_platform(state, write)
        if changed.version == 1:
            typer.echo(f"These are the first settings of {tenant}. Is the name right?", err=True)
        typer.echo(_as_json(changed))
    except InvalidFields as error:
        lines = [f"  {pointer or '/'}: {detail}" for pointer, detail in error.pointers]
        target.fail("\n".join([f"Nothing was changed: {error.detail}", *lines]), "docs/tenants.md has each setting")
    except (Invalid, OSError) as error:
        target.fail(f"Nothing was changed: {error}", f'{program()} tenants set acme \'{{"name": "Acme"}}\'')


async def _write(
    database: Database,
    publisher: Publisher,
    settings: Settings,
    tenant: str,
    change: Callable[[TenantSettings], TenantSettings],
) -> TenantSettings:
    from shared.mongo import tenants

    return await tenants.write(database, publisher, settings.topics, tenant=tenant, change=change)


def _patched(stored: TenantSettings, patch: Mapping[str, JsonValue]) -> TenantSettings:
    from services.ingest.models.tenants import patched

    return patched(stored, patch)


def _as_json(settings: TenantSettings) -> str:
    import orjson

    from services.ingest.models.tenants import shown

    return orjson.dumps(shown(settings), option=orjson.OPT_INDENT_2).decode()
