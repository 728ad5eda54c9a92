"""`carillon catalog try`: what a workflow would do with an event, before it is published."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program
from shared.model.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from carillon.cli.rehearsing import Expanded
    from shared.deciding.routing_input import RoutingInput
    from shared.model.notifications import Notification
    from shared.model.workflows import Workflow

MAX_TRIED: Final = 100
"""Recipients."""
ANSWER_MS: Final = 2_000


def try_workflow(
    workflow: Annotated[str, typer.Argument(help="A workflow's file, or the key of a published one.")],
    *,
    event: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A CloudEvent as JSON, or its data alone; {} when left out."),
    ] = None,
    user: Annotated[
        list[str] | None,
        typer.Option(
            help="A user id, or an inline person as JSON, instead of whom the event names; repeat for several."
        ),
    ] = None,
    locale: Annotated[
        list[str] | None,
        typer.Option(help="A language to render in, as de or pt-BR, instead of the recipient's; repeat."),
    ] = None,
    tenant: Annotated[str, typer.Option(help="The tenant whose users they are.")] = "default",
    json_: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Show who would get what and when, and every message as it would read; nothing is published, stored or sent.

    Profiles and settings are the platform's, where its MongoDB answers; else every user is taken to be reached
    everywhere and to have chosen nothing.

    Example: carillon catalog try catalog/orders/order_shipped.yaml --event shipped.json --user ana
    """
    from rich.console import Console

    from carillon.cli.catalog import workflow_of

    found = workflow_of(workflow, tenant, state)
    raw = event.read_bytes() if event else b"{}"
    answer = _answer(found, raw, user or [], locales=locale or [], tenant=tenant, state=state)
    if json_:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = Console(highlight=False)
    for line in lines(answer):
        console.print(line, soft_wrap=True)


def _answer(
    workflow: Workflow, raw: bytes, users: Sequence[str], *, locales: Sequence[str], tenant: str, state: Path
) -> dict[str, Any]:
    import msgspec

    from carillon.cli import rehearsing

    found, stored, inputs = asked(workflow, raw, users, tenant=tenant, state=state)
    part = found.part
    why = None if part is None else part.rejected or part.passed_over
    return {
        "workflow": workflow.key,
        "version": workflow.version,
        "profiles": "stored" if stored else "assumed",
        "rejected": None if why is None else msgspec.to_builtins(why),
        "left_out": [] if part is None else msgspec.to_builtins(list(part.left_out)),
        "recipients": [rehearsing.rehearsed(each, locales) for each in inputs],
    }


def asked(
    workflow: Workflow, raw: bytes, users: Sequence[str], *, tenant: str, state: Path
) -> tuple[Expanded, bool, list[RoutingInput]]:
    """The notifications of an event, and what would be asked about each; whether that is what is stored.

    Exits with what is wrong with the event.
    """
    from carillon.cli import rehearsing
    from carillon.cli.send import recipient
    from shared.process.clock import now_ms

    now = now_ms()
    try:
        read = rehearsing.read_event(raw, workflow)
        people = [recipient(each) for each in users]
        found = rehearsing.expanded(read, workflow, people, tenant=tenant, now=now)
    except Invalid as error:
        where = f" ({error.pointer})" if error.pointer else ""
        target.fail(f"The event cannot be read: {error.detail}{where}", f"{program()} catalog try --help")
    notifications = list(found.notifications[:MAX_TRIED])
    stored, inputs = target.carried_out(_inputs(notifications, workflow, now, state))
    return found, stored, inputs


async def _inputs(
    notifications: Sequence[Notification], workflow: Workflow, now: int, state: Path
) -> tuple[bool, list[RoutingInput]]:
    """What would be asked about them, and whether that is what is stored."""
    from carillon.cli import rehearsing
    from shared.mongo.database import open_database
    from shared.mongo.deciding_inputs import DecidingInputs

    settings = target.settings_or_none(state)
    if settings is not None:
        try:
            async with open_database(settings.mongo, settings.mongo_database, timeout_ms=ANSWER_MS) as database:
                loader = DecidingInputs(database)
                inputs = await loader.load(notifications, workflow, now)
                return True, [*inputs, *await loader.load(rehearsing.others(inputs), workflow, now)]
        except Unavailable:
            pass
    return False, rehearsing.assumed(notifications, workflow, now)


def lines(answer: dict[str, Any]) -> Iterator[Text]:
    """The answer, line by line."""
    from rich.text import Text

    from carillon.cli.sentences import sentence_lines

    version = f" v{answer['version']}" if answer["version"] else ", not published"
    yield Text.assemble((f"{answer['workflow']}{version}", "bold"), "   nothing was sent: a try")
    if answer["profiles"] == "assumed":
        yield Text(
            "MongoDB does not answer: every user is taken to be reached everywhere, by no choice of theirs", "yellow"
        )
    if answer["rejected"]:
        yield Text.assemble(("✗ ", "red"), _why(answer["rejected"]))
    elif not answer["recipients"]:
        yield Text("nobody is notified: name recipients in the event, or with --user", "yellow")
    for left_out in answer["left_out"]:
        yield Text.assemble("  ", ("left out ", "red"), _why(left_out))
    for found in answer["recipients"]:
        yield Text()
        yield Text(found["user"], "bold")
        yield from sentence_lines(found["sentences"], None)
        for message in found["messages"]:
            yield from message_lines(message)


def message_lines(message: dict[str, Any]) -> Iterator[Text]:
    """One message: where it goes, its parts, or why it would not go."""
    from rich.text import Text

    about = " ".join(str(message[name]) for name in ("locale", "variant") if name in message)
    yield Text.assemble("  ── ", (message["channel"], "bold"), f" {about}".rstrip(), (f"  {message['at']}", "dim"))
    if "error" in message:
        yield Text(f"     it would be a dead letter: render_failed {message['error']}", "red")
        return
    for name, part in message["parts"].items():
        text = part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
        first, *more = text.splitlines() or [""]
        yield Text.assemble("     ", (f"{name}: ", "dim"), first)
        for line in more:
            yield Text(f"       {line}")


def _why(row: dict[str, Any]) -> str:
    return f"{row['detail']} ({row['reason']}{' at ' + row['pointer'] if row.get('pointer') else ''})"
