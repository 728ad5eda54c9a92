"""`carillon events`: events of which nothing became a notification, and sending them again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

import typer

from carillon.cli import target
from carillon.cli.options import DEFAULT_STATE, State
from carillon.cli.program import program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from shared.model.dead_letters import DeadLetter
    from shared.model.outputs import KafkaRecord, Output
    from shared.process.settings import Settings

app = typer.Typer(help="Events: those that are dead letters, and sending them again.", no_args_is_help=True)

DAY_MS = 86_400_000
EventsTenant = Annotated[str, typer.Option(help="The tenant they belong to.")]


@app.command("dead")
def list_dead(
    most: Annotated[int, typer.Option(min=1, help="The newest of them.")] = 100,
    state: State = DEFAULT_STATE,
) -> None:
    """Show the newest dead letters of events: why, when, and where each stood.

    Example: carillon events dead --most 20
    """
    from rich.console import Console
    from rich.table import Column, Table

    from shared.model.timestamps import rfc3339

    letters = target.carried_out(_newest(target.settings(state), most))
    table = Table(Column("event", no_wrap=True), "why", "when", "stood at", box=None)
    for letter in letters:
        source = letter.source
        when = "" if letter.failed_at is None else rfc3339(letter.failed_at)
        table.add_row(
            letter.event or "unreadable", letter.code, when, f"{source.topic}[{source.partition}]@{source.offset}"
        )
    Console().print(table)
    typer.echo(
        f"{len(letters)} shown; {program()} why EVENT says more, {program()} events redrive EVENT sends it again"
    )


@app.command("redrive")
def redrive(
    events: Annotated[
        list[str] | None, typer.Argument(help="Ids of events, as `carillon events dead` shows them.")
    ] = None,
    *,
    all_: Annotated[
        bool, typer.Option("--all", help="Every dead letter that --all has not sent again before, unreadable ones too.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Those as well that are so old that somebody may be notified twice.")
    ] = False,
    tenant: EventsTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Send events again under the same ids, once the cause is mended; they are expanded anew.

    An event of which only a part was left out may be sent again as well: who was notified before is not notified twice,
    for as long as what was decided is kept (CARILLON_GUARD_DAYS). Older ones are left out, unless forced.

    Example: carillon events redrive 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    if bool(events) == all_:
        target.fail(
            "Which events?", f"{program()} events redrive EVENT …, or --all; {program()} events dead shows them"
        )
    from shared.mongo.settings import MigrationSettings
    from shared.process.clock import now_ms

    settings = target.settings_of(state, MigrationSettings)
    accepted_since = None if force else now_ms() - settings.guard_days * DAY_MS
    if all_:
        sent, old = target.carried_out(_redrive_all(settings, accepted_since))
        typer.echo(f"{sent} sent again")
        _refuse(old, settings.guard_days)
        return
    wanted = list(dict.fromkeys(events or ()))
    missing, old = target.carried_out(_redrive(settings, tenant, wanted, accepted_since))
    typer.echo(f"{len(wanted) - len(missing) - len(old)} sent again")
    _refuse(old, settings.guard_days)
    if missing:
        target.fail(
            f"Not found, neither as a dead letter nor on the log: {', '.join(missing)}",
            f"compare the ids and --tenant; {program()} events dead",
        )


def _refuse(old: list[str], days: int) -> None:
    """Exits when there are events that are too old."""
    if old:
        target.fail(
            f"Accepted more than {days} days ago, so that nobody knows any more who was notified: {', '.join(old[:20])}"
            + (f" and {len(old) - 20} more" if len(old) > 20 else ""),
            f"if nobody was, or twice is better than not at all: {program()} events redrive EVENT … --force",
        )


async def _letters(settings: Settings) -> AsyncIterator[DeadLetter]:
    """Every dead letter that is an event's, in the order of the topic."""
    from shared.kafka.topic_reader import open_reader

    async with open_reader(settings.kafka_connection, settings.topics.events_dlq) as reader:
        async for batch in reader.batches():
            for letter in _events_among(settings, batch):
                yield letter


async def _newest(settings: Settings, most: int) -> list[DeadLetter]:
    """The last `most` of them, without their contents."""
    newest: deque[DeadLetter] = deque(maxlen=most)
    async for letter in _letters(settings):
        newest.append(letter._replace(source=letter.source._replace(value=None, headers=[])))
    return list(newest)


def _events_among(settings: Settings, records: Collection[KafkaRecord]) -> list[DeadLetter]:
    """Those that stood on a topic of events: the router's other dead letters are none."""
    from shared.model.dead_letters import read_dead_letter

    topics = (settings.topics.events, settings.topics.accepted_events)
    letters = map(read_dead_letter, records)
    return [letter for letter in letters if letter is not None and letter.source.topic in topics]


async def _redrive_all(settings: Settings, accepted_since: int | None) -> tuple[int, list[str]]:
    """Sends again what this command's group has not read yet; a crash in between repeats harmlessly.

    Returns how many, and which ones are too old: they are read, too, and are sent by their ids.
    """
    from shared.kafka.producer import Publisher
    from shared.kafka.topic_reader import open_reader
    from shared.model.dead_letters import redriven

    sent, old = 0, list[str]()
    topics = settings.topics
    publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
    try:
        async with open_reader(
            settings.kafka_connection, topics.events_dlq, group=topics.group("events-redrive")
        ) as reader:
            async for batch in reader.batches():
                letters = []
                for letter in _events_among(settings, batch):
                    if _is_old(letter.source, letter.failed_at, accepted_since):
                        old.append(letter.event or "unreadable")
                    else:
                        letters.append(letter)
                await publisher.publish(
                    [redriven(letter.source, letter.generation + 1, letter.failed_at) for letter in letters]
                )
                await reader.commit(batch)
                sent += len(letters)
    finally:
        await publisher.stop()
    return sent, old


def _is_old(record: KafkaRecord, failed_at: int | None, accepted_since: int | None) -> bool:
    """Whether what was decided of the event may be forgotten by now; what nobody knows the age of is not."""
    from shared.model.dead_letters import accepted_first

    accepted = accepted_first(record, failed_at)
    return accepted_since is not None and accepted is not None and accepted < accepted_since


async def _redrive(
    settings: Settings, tenant: str, wanted: list[str], accepted_since: int | None
) -> tuple[list[str], list[str]]:
    """Sends the wanted events again; returns those that were not found, and those that are too old."""
    from shared.kafka.producer import Publisher

    dead = {letter.event: letter async for letter in _letters(settings) if letter.event in wanted}  # the newest of each
    outputs: list[Output] = []
    missing, old = [], []
    for event in wanted:
        letter = dead.get(event)
        found = await _again(settings, tenant, event, letter)
        if found is None:
            missing.append(event)
        elif _is_old(found[0], letter.failed_at if letter else None, accepted_since):
            old.append(event)
        else:
            outputs.append(found[1])
    publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
    try:
        await publisher.publish(outputs)
    finally:
        await publisher.stop()
    return missing, old


async def _again(
    settings: Settings, tenant: str, event: str, letter: DeadLetter | None
) -> tuple[KafkaRecord, Output] | None:
    """The event as it stands, or its dead letter stood, and once more; None when neither is there."""
    from shared.kafka.topic_reader import open_reader
    from shared.model.dead_letters import redriven
    from shared.model.outputs import Coordinates
    from shared.mongo.database import open_database
    from shared.mongo.errors import mongo_border

    async with open_database(settings.mongo, settings.mongo_database) as database:
        with mongo_border():
            row = await database.expansions.find_one({"_id": event, "tenant": tenant})
    generation = max(row["generation"] if row else 0, letter.generation if letter else 0) + 1
    if letter is not None:
        return letter.source, redriven(letter.source, generation, letter.failed_at)
    if row is None:
        return None
    async with open_reader(settings.kafka_connection, row["topic"]) as reader:
        record = await reader.record_at(Coordinates(row["topic"], row["partition"], row["offset"]))
    return (record, redriven(record, generation)) if record is not None else None
