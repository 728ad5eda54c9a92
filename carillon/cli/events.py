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
    tenant: EventsTenant = "default",
    state: State = DEFAULT_STATE,
) -> None:
    """Send events again under the same ids, once the cause is mended; they are expanded anew.

    An event of which only a part was left out may be sent again as well: who was notified before is not notified twice.

    Example: carillon events redrive 5b1c2a3e-0d55-5f0e-9d3f-2b1f5f0a7c11
    """
    if bool(events) == all_:
        target.fail(
            "Which events?", f"{program()} events redrive EVENT …, or --all; {program()} events dead shows them"
        )
    settings = target.settings(state)
    if all_:
        typer.echo(f"{target.carried_out(_redrive_all(settings))} sent again")
        return
    wanted = list(dict.fromkeys(events or ()))
    missing = target.carried_out(_redrive(settings, tenant, wanted))
    typer.echo(f"{len(wanted) - len(missing)} sent again")
    if missing:
        target.fail(
            f"Not found, neither as a dead letter nor on the log: {', '.join(missing)}",
            f"compare the ids and --tenant; {program()} events dead",
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


async def _redrive_all(settings: Settings) -> int:
    """Sends again what this command's group has not read yet; a crash in between repeats harmlessly."""
    from shared.kafka.producer import Publisher
    from shared.kafka.topic_reader import open_reader
    from shared.model.dead_letters import redriven

    sent = 0
    topics = settings.topics
    publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
    try:
        async with open_reader(
            settings.kafka_connection, topics.events_dlq, group=topics.group("events-redrive")
        ) as reader:
            async for batch in reader.batches():
                letters = _events_among(settings, batch)
                await publisher.publish(
                    [redriven(letter.source, letter.generation + 1, letter.failed_at) for letter in letters]
                )
                await reader.commit(batch)
                sent += len(letters)
    finally:
        await publisher.stop()
    return sent


async def _redrive(settings: Settings, tenant: str, wanted: list[str]) -> list[str]:
    """Sends the wanted events again; returns those that were not found."""
    from shared.kafka.producer import Publisher

    dead = {letter.event: letter async for letter in _letters(settings) if letter.event in wanted}  # the newest of each
    outputs: list[Output] = []
    missing = []
    for event in wanted:
        output = await _again(settings, tenant, event, dead.get(event))
        if output is None:
            missing.append(event)
        else:
            outputs.append(output)
    publisher = Publisher(settings.kafka_connection, client_id="carillon-cli")
    try:
        await publisher.publish(outputs)
    finally:
        await publisher.stop()
    return missing


async def _again(settings: Settings, tenant: str, event: str, letter: DeadLetter | None) -> Output | None:
    """The event once more: its dead letter, else its record where it stands; None when neither is there."""
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
        return redriven(letter.source, generation, letter.failed_at)
    if row is None:
        return None
    async with open_reader(settings.kafka_connection, row["topic"]) as reader:
        record = await reader.record_at(Coordinates(row["topic"], row["partition"], row["offset"]))
    return redriven(record, generation) if record is not None else None
