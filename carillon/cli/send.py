"""`carillon send`: start a workflow by hand, and watch it until it ends."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program
from shared.model import strict_json
from shared.model.errors import Invalid
from shared.model.timestamps import parse_rfc3339, to_datetime
from shared.process.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from carillon.client import AsyncClient

AUDIENCE: Final = ("topic", "users")
"""Fields of an audience, which no inline person has."""
LOOK_SECONDS: Final = 0.2
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})")
_SPAN = re.compile(r"\+(\d{1,6})([smhd])")
JsonObject = dict[str, Any]


def when(text: str | None, also: str = "") -> datetime | None:
    """A time from `+10m` or RFC 3339. Raises typer.BadParameter, which names what may be written `also`."""
    if text is None:
        return None
    span = _SPAN.fullmatch(text)
    if span:
        return to_datetime(now_ms()) + timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        return to_datetime(parse_rfc3339(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write 2026-01-05T08:00:00+01:00 or +10m{also}") from error


def when_or_local(text: str | None) -> datetime | dict[str, str] | None:
    """The same, or a time of day where each recipient is: `2026-12-01 09:00`. Raises typer.BadParameter."""
    local = _LOCAL.fullmatch(text or "")
    return {"date": local[1], "local": local[2]} if local else when(text, ', or "2026-12-01 09:00"')


def recipient(text: str) -> str | JsonObject:
    """A user id, or an inline person from a JSON object. Raises typer.BadParameter."""
    return json_object(text) if text.lstrip().startswith("{") else text


def recipients(texts: list[str]) -> JsonObject | list[str | JsonObject]:
    """A list of them, or one audience. Raises typer.BadParameter."""
    found = [recipient(text) for text in texts]
    audience = next((one for one in found if isinstance(one, dict) and not one.keys().isdisjoint(AUDIENCE)), None)
    if audience is not None and len(found) > 1:
        raise typer.BadParameter("an audience stands alone: one --to, or people and no audience")
    return found if audience is None else audience


def json_object(text: str) -> JsonObject:
    """Raises typer.BadParameter unless it is a JSON object that the platform takes."""
    try:
        value = strict_json.loads(text.encode(errors="surrogatepass"))  # bytes that are no UTF-8 arrive as surrogates
    except Invalid as error:
        where = f"{error.pointer}: " if error.pointer else ""
        raise typer.BadParameter(f"no JSON that Carillon takes: {where}{error.detail}") from error
    if not isinstance(value, dict):
        raise typer.BadParameter('a JSON object is needed, as \'{"order":"A-1"}\'')
    return value


At = Annotated[str | None, typer.Option(help="RFC 3339 with an offset, or +90s, +10m, +2h, +1d.")]

AtOrLocal = Annotated[
    str | None, typer.Option(help='As --expires-at, or "2026-12-01 09:00": at nine where each recipient is.')
]


def send(
    workflow: Annotated[str, typer.Argument(help="A workflow's key; carillon catalog list shows them.")],
    *,
    to: Annotated[
        list[str],
        typer.Option(
            help='A user id, or an inline person as JSON; repeat for several. Or an audience: \'{"topic": "all-hands"}\'.'
        ),
    ],
    data: Annotated[str, typer.Option(help="A JSON object for the templates.")] = "{}",
    actor: Annotated[str | None, typer.Option(help="Who did it; never notified.")] = None,
    deliver_at: AtOrLocal = None,
    expires_at: At = None,
    priority: Annotated[str | None, typer.Option(help="low, normal, high or urgent")] = None,
    cancellation_key: Annotated[str | None, typer.Option(help="What it can be cancelled by.")] = None,
    subject: Annotated[str | None, typer.Option(help="What it is about, as complaint/123.")] = None,
    supersedes: Annotated[
        str | None, typer.Option(help="The event id of an earlier send that this one takes the place of.")
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key again sends nothing again.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Wait until it ended on every channel.")] = False,
    watch_seconds: Annotated[float, typer.Option(min=0, help="How long --watch waits at most.")] = 30,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Send nothing: show who would get what, and when, and what stops the rest."),
    ] = False,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the answer as JSON; with --watch the timelines.")
    ] = False,
    url: target.Url = None,
    console_url: target.ConsoleUrl = None,
    key: target.Key = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Send a notification and print its ids.

    Example: carillon send order.shipped --to ana --to '{"email":"bo@example.com"}' --data '{"order":"A-1"}' --watch
    """
    arguments: dict[str, Any] = {
        "data": json_object(data),
        "actor": actor,
        "deliver_at": when_or_local(deliver_at),
        "expires_at": when(expires_at),
        "priority": priority,
        "cancellation_key": cancellation_key,
        "subject": subject,
        "supersedes": supersedes,
        "idempotency_key": idempotency_key,
        "dry_run": dry_run,
    }
    people = recipients(to)
    show = _Quiet() if json_ else _Screen()

    async def work(client: AsyncClient) -> list[JsonObject]:
        async with client as carillon:
            with target.checked_arguments(f"{program()} send --help"):
                accepted = await carillon.notify(workflow, people, **arguments)
            if dry_run:
                show.rehearsed(accepted)
                return [accepted]
            show.accepted(accepted)
            if not watch:
                return [accepted]
            ids = [row["id"] for row in accepted["notifications"]]
            return await watched(carillon.timeline, ids, watch_seconds, show.timeline)

    answers = target.carried_out(work(target.client(state, url, console_url, key)))
    if json_:
        typer.echo(json.dumps(answers if watch and not dry_run else answers[0], ensure_ascii=False))


async def watched(
    timeline: Callable[[str], Awaitable[JsonObject]], ids: list[str], seconds: float, show: Callable[[JsonObject], None]
) -> list[JsonObject]:
    """The timelines of `ids`, each shown once: when it ended, or as it is when `seconds` are over."""
    from carillon.errors import ProblemError

    timelines: dict[str, JsonObject] = {}
    pending = dict.fromkeys(ids)
    until = time.monotonic() + seconds
    while pending:
        for notification in list(pending):
            try:
                timelines[notification] = await timeline(notification)
            except ProblemError as error:
                if error.status != 404:
                    raise
                continue  # not seen yet
            if timelines[notification]["state"] == "terminal":
                del pending[notification]
                show(timelines[notification])
        if time.monotonic() >= until:
            break
        if pending:
            await asyncio.sleep(LOOK_SECONDS)
    for notification in pending:
        show(timelines.get(notification, {"notification": notification, "user": "?", "channels": []}))
    return [timelines[notification] for notification in ids if notification in timelines]


class _Screen:
    """Prints each answer when it is there."""

    def accepted(self, answer: JsonObject) -> None:
        typer.echo(f"accepted  event {answer['id']}  durable in {answer.get('durability', 'kafka')}")
        for row in answer["notifications"]:
            typer.echo(f"  {row['user']}  {program()} why {row['id']}")
        for fanout in answer.get("fanouts", []):
            typer.echo(f"  a fan-out  {program()} fanouts show {fanout}")

    def rehearsed(self, answer: JsonObject) -> None:
        from rich.console import Console

        from carillon.cli.sentences import dry_run_lines

        console = Console(highlight=False)
        for line in dry_run_lines(answer):
            console.print(line, soft_wrap=True)

    def timeline(self, timeline: JsonObject) -> None:
        from rich.console import Console

        from carillon.cli.timeline import summary

        console = Console(highlight=False)
        console.print(f"  {timeline['user']}  ", summary(timeline), soft_wrap=True, markup=False, sep="")


class _Quiet(_Screen):
    """Prints nothing: the answers are printed as JSON at the end."""

    def accepted(self, answer: JsonObject) -> None:
        """Nothing."""

    def rehearsed(self, answer: JsonObject) -> None:
        """Nothing."""

    def timeline(self, timeline: JsonObject) -> None:
        """Nothing."""
