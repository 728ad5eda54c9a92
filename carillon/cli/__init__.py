"""The `carillon` command. Every command is registered here, and imports what it needs when it runs."""

from __future__ import annotations

import typer

from carillon.cli import (
    audit,
    cancel,
    catalog,
    credentials,
    deliveries,
    dlq,
    dlq_changes,
    events,
    fanouts,
    previewing,
    run,
    schedules,
    send,
    setup,
    stack,
    stats,
    stops,
    suppressions,
    tenants,
    topics,
    trying,
    why,
)

app = typer.Typer(
    name="carillon",
    help="An open notification platform: Kafka carries, Faust decides, MongoDB remembers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LOCAL = "The local stack"
app.command("up", rich_help_panel=LOCAL)(stack.up)
app.command("down", rich_help_panel=LOCAL)(stack.down)
app.command("status", rich_help_panel=LOCAL)(stack.status)
app.command("logs", rich_help_panel=LOCAL)(stack.logs)
app.command("doctor", rich_help_panel=LOCAL)(stack.doctor)

USE = "Using it"
app.command("send", rich_help_panel=USE)(send.send)
app.command("cancel", rich_help_panel=USE)(cancel.cancel)
app.command("why", rich_help_panel=USE)(why.why)
app.command("why-not", rich_help_panel=USE)(why.why_not)
app.add_typer(schedules.app, name="schedules", rich_help_panel=USE)
app.command("token", rich_help_panel=USE)(credentials.token)
app.add_typer(credentials.keys, name="key", rich_help_panel=USE)

OPERATE = "Running it"
app.command("run", rich_help_panel=OPERATE)(run.run)
app.command("migrate", rich_help_panel=OPERATE)(setup.migrate)
catalog.app.command("try")(trying.try_workflow)
app.add_typer(catalog.app, name="catalog", rich_help_panel=OPERATE)
app.add_typer(previewing.app, name="template", rich_help_panel=OPERATE)
app.add_typer(events.app, name="events", rich_help_panel=OPERATE)
app.command("deliveries", rich_help_panel=OPERATE)(deliveries.deliveries)
app.add_typer(stats.app, name="stats", rich_help_panel=OPERATE)
app.command("audit", rich_help_panel=OPERATE)(audit.audit)
for change in (dlq_changes.redrive, dlq_changes.redrives, dlq_changes.discard):
    dlq.app.command(change.__name__)(change)
app.add_typer(dlq.app, name="dlq", rich_help_panel=OPERATE)
app.add_typer(fanouts.app, name="fanouts", rich_help_panel=OPERATE)
app.add_typer(topics.app, name="topics", rich_help_panel=OPERATE)
app.add_typer(suppressions.app, name="suppressions", rich_help_panel=OPERATE)
app.add_typer(tenants.app, name="tenants", rich_help_panel=OPERATE)
app.command("stop", rich_help_panel=OPERATE)(stops.stop)
app.command("resume", rich_help_panel=OPERATE)(stops.resume)
