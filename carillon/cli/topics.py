"""`carillon topics`: the table of Kafka topics, creating what is missing, comparing what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

if TYPE_CHECKING:
    from shared.kafka.connection import KafkaConnection
    from shared.model.topic_differences import TopicDifference
    from shared.model.topics import Topic

app = typer.Typer(help="The Kafka topics: list, create and verify.", no_args_is_help=True)


@app.command("list")
def list_topics() -> None:
    """Show every topic: its key, partitions, how long it is kept, who writes and reads it. Needs no Kafka.

    Example: carillon topics list
    """
    from shared.process.settings import Settings, load

    table = Table(Column("topic", no_wrap=True), "key", "partitions", "kept", "written by", "read by", box=None)
    for topic in load(Settings).topics.table():
        kept = "compacted" if topic.compacted else f"{topic.retention_ms // 86_400_000} d"
        table.add_row(topic.name, topic.key, str(topic.partitions), kept, topic.producers, topic.consumers)
    Console().print(table)


@app.command("create")
def create_topics(
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition; 3 in production.")] = 1,
) -> None:
    """Create what is missing on CARILLON_KAFKA; existing topics are left as they are, and how they differ is shown.

    Example: CARILLON_KAFKA=broker:9092 carillon topics create --replication 3
    """
    from aiokafka.errors import KafkaError

    from shared.kafka.admin import ensure_topics
    from shared.kafka.rejections import rejection
    from shared.process.settings import Settings, load

    settings = load(Settings)
    kafka, topics = settings.kafka_connection, settings.topics.table()
    try:
        made = asyncio.run(ensure_topics(kafka, topics, replication=replication))
    except KafkaError as error:
        why = asyncio.run(rejection(kafka))
        typer.echo(f"No topics were created: {error}\n{why}\nCheck CARILLON_KAFKA…, then run this again.")
        raise typer.Exit(1) from error
    for name in made:
        typer.echo(f"created {name}")
    typer.echo(f"{len(made)} created, {len(topics) - len(made)} were there")
    if len(made) < len(topics):
        there = [topic for topic in topics if topic.name not in made]
        _exit_for(asyncio.run(_differences(kafka, there, until=0)), strict=False)


@app.command("verify")
def verify_topics(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for Kafka, and for topics that are wrong.")] = 0,
    service: Annotated[str | None, typer.Option(help="Only what this service uses: ingest, router, ...")] = None,
    strict: Annotated[
        bool, typer.Option(envvar="CARILLON_TOPICS_STRICT", help="Also what is only weaker than promised is an error.")
    ] = False,
) -> None:
    """Compare the topics on CARILLON_KAFKA with the table: exit code 1 when a service must not work with them.

    Partitions, copies, clean-up, sizes, time stamps and compression; each difference with how to mend it. Changes
    nothing. With --wait it is what a pod waits with before its service starts.

    Example: carillon topics verify --service router --wait 120
    """
    from shared.process.settings import Settings, load

    settings = load(Settings)
    topics = settings.topics.used_by(service) if service else list(settings.topics.table())
    if not topics:
        typer.echo(f"No service {service!r} uses topics: ingest, router, scheduler, delivery, gateway, console.")
        raise typer.Exit(2)
    found = asyncio.run(_differences(settings.kafka_connection, topics, until=monotonic() + wait, strict=strict))
    _exit_for(found, strict=strict)
    typer.echo(f"{len(topics)} topics are as they should be" if not found else "nothing that keeps a service waiting")


async def _differences(
    kafka: KafkaConnection, topics: Sequence[Topic], *, until: float, strict: bool = False
) -> list[TopicDifference]:
    """How they differ; asked again until nothing is wrong, or it is `until`. Exits when Kafka does not let us in."""
    from shared.kafka.admin import describe_topics
    from shared.kafka.rejections import check_connection
    from shared.model.errors import KafkaRejected, KafkaUnavailable
    from shared.model.topic_differences import differences

    while True:
        is_over = monotonic() >= until
        try:
            await check_connection(kafka)
            found, brokers = await describe_topics(kafka, [topic.name for topic in topics])
        except KafkaRejected as error:
            typer.echo(f"Kafka does not let us in: {error}")
            raise typer.Exit(1) from error
        except KafkaUnavailable as error:
            if is_over:
                typer.echo(f"Kafka does not answer: {error}")
                raise typer.Exit(1) from error
        else:
            differ = differences(topics, found, brokers=brokers)
            if is_over or not _stopping(differ, strict=strict):
                return differ
        await asyncio.sleep(min(1.0, max(until - monotonic(), 0.0)))


def _stopping(differ: Sequence[TopicDifference], *, strict: bool) -> list[TopicDifference]:
    from shared.model.topic_differences import Severity

    return [each for each in differ if strict or each.severity is Severity.WRONG]


def _exit_for(differ: Sequence[TopicDifference], *, strict: bool) -> None:
    """Shows the differences; exits with 1 when one keeps services waiting."""
    if differ:
        table = Table(
            Column("topic", no_wrap=True), "what", "is", "should be", "", Column("mend", overflow="fold"), box=None
        )
        for each in differ:
            table.add_row(each.topic, each.what, each.found, each.wanted, each.severity, each.mend)
        Console().print(table)
    if _stopping(differ, strict=strict):
        raise typer.Exit(1)
