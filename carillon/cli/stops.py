"""`carillon stop` and `carillon resume`: the emergency stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.platform import on_platform

if TYPE_CHECKING:
    from shared.kafka.producer import Publisher
    from shared.model.audit import AuditAction
    from shared.model.channels import Channel
    from shared.mongo.database import Database
    from shared.mongo.stops import Stops
    from shared.process.settings import Settings

OfWorkflow = Annotated[str | None, typer.Option("--workflow", help="This workflow alone.")]
OnChannel = Annotated[str | None, typer.Option("--channel", help="This channel alone.")]
OfTenant = Annotated[str | None, typer.Option(help="The tenant that is meant; default when left out.")]
Everything = Annotated[bool, typer.Option("--everything", help="All tenants, instead of one.")]


def stop(
    workflow: OfWorkflow = None,
    channel: OnChannel = None,
    tenant: OfTenant = None,
    *,
    everything: Everything = False,
    list_: Annotated[bool, typer.Option("--list", help="Stop nothing; show what is stopped.")] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Stop a tenant, a workflow or a channel at once: what is accepted is held, nothing is lost.

    Example: carillon stop --channel email
    """
    from shared.model.audit import AuditAction

    place, on = _place(tenant, everything=everything), _channel(channel)

    async def act(database: Database, publisher: Publisher, settings: Settings) -> None:
        if not list_:
            await _doubt(database, place, workflow)
            await _stops(database, publisher, settings).stop(place, workflow=workflow, channel=on)
            await _note(database, place, AuditAction.TENANT_STOPPED, workflow=workflow, channel=channel)
        await _show_stops(database)

    on_platform(state, act)


def resume(
    workflow: OfWorkflow = None,
    channel: OnChannel = None,
    tenant: OfTenant = None,
    *,
    everything: Everything = False,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="What is held ends as cancelled; nothing of it is sent.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --cancel: the stops stay.")] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Lift stops: what they hold is decided again and sent, or cancelled. Without an option: all stops of the tenant.

    Example: carillon resume --channel email
    """
    from shared.model.audit import AuditAction

    place, on = _place(tenant, everything=everything), _channel(channel)

    async def act(database: Database, publisher: Publisher, settings: Settings) -> None:
        stops = _stops(database, publisher, settings)
        if cancel:
            lifted = await stops.cancel(place, workflow=workflow, channel=on, keep=keep)
        else:
            lifted = await stops.release(place, workflow=workflow, channel=on)
        action = AuditAction.STOPPED_CANCELLED if cancel else AuditAction.STOPS_RELEASED
        counts = {"released": lifted.released, "cancelled": lifted.cancelled}
        await _note(database, place, action, workflow=workflow, channel=channel, **counts)
        rest = "" if lifted.complete else "; the rest follows"
        typer.echo(f"{lifted.released} released, {lifted.cancelled} cancelled{rest}")
        await _show_stops(database, held=False)  # what was released is still on its way

    on_platform(state, act)


async def _note(database: Database, place: str, action: AuditAction, **details: str | int | None) -> None:
    from shared.model.audit import CLI
    from shared.mongo.audit import note

    await note(database, action, tenant=place, actor=CLI, subject=place, **details)


async def _doubt(database: Database, tenant: str, workflow: str | None) -> None:
    """Says aside what looks like a wrong name: it is stopped all the same, and may only be published later."""
    from shared.model.tenants import ENVIRONMENT
    from shared.mongo.errors import mongo_border

    of = {} if tenant == ENVIRONMENT else {"tenant": tenant}
    with mongo_border():
        key = await database.api_keys.find_one(of, {"_id": 1})
        found = await database.workflows.find_one(of if workflow is None else of | {"key": workflow}, {"_id": 1})
    if tenant != ENVIRONMENT and key is None and found is None:
        typer.echo(f"Is the name right? No key and no workflow belongs to the tenant {tenant}.", err=True)
    elif workflow is not None and found is None:
        typer.echo(f"Is the name right? Nobody has published a workflow {workflow}.", err=True)


def _place(tenant: str | None, *, everything: bool) -> str:
    from shared.model.tenants import ENVIRONMENT

    if everything and tenant is not None:
        target.fail(
            f"Nothing was changed: --everything means all tenants, not everything of {tenant}.",
            f"--tenant {tenant} alone, or --everything alone",
        )
    return ENVIRONMENT if everything else tenant or "default"


def _channel(name: str | None) -> Channel | None:
    from shared.model.channels import Channel

    if name is not None and name not in set(Channel):
        target.fail(f"There is no channel {name!r}.", f"--channel with one of: {', '.join(Channel)}")
    return None if name is None else Channel(name)


def _stops(database: Database, publisher: Publisher, settings: Settings) -> Stops:
    from shared.mongo.stops import Stops

    return Stops(database, publisher, settings.topics)


async def _show_stops(database: Database, *, held: bool = True) -> None:
    from shared.model.timestamps import rfc3339
    from shared.mongo import tenants
    from shared.mongo.holds import Holds

    stopped = [(each.tenant, stop) for each in await tenants.list_all(database) for stop in each.stops]
    for tenant, each in stopped:
        typer.echo(
            f"stopped  {'all tenants' if tenant == '*' else tenant}  {each.in_words()}  since {rfc3339(each.since)}"
        )
    if held:
        count = await Holds(database).count_stopped(None, most=1_000_000)
        typer.echo(f"stops: {len(stopped)}, held because of them: {count}")
    elif not stopped:
        typer.echo("nothing is stopped any more")
