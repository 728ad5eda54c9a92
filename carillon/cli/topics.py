"""`carillon topics`: the table of Kafka topics, and creating what is missing."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

app = typer.Typer(help="The Kafka topics: list and create.", no_args_is_help=True)


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
    """Create what is missing on CARILLON_KAFKA; existing topics are left as they are.

    Example: CARILLON_KAFKA=broker:9092 carillon topics create --replication 3
    """
    from aiokafka.errors import KafkaError

    from shared.kafka.admin import ensure_topics
    from shared.process.settings import Settings, load

    settings = load(Settings)
    try:
        made = asyncio.run(ensure_topics(settings.kafka, settings.topics.table(), replication=replication))
    except KafkaError as error:
        typer.echo(f"No topics were created on {settings.kafka}: {error}\nCheck CARILLON_KAFKA, then run this again.")
        raise typer.Exit(1) from error
    for name in made:
        typer.echo(f"created {name}")
    typer.echo(f"{len(made)} created, {len(settings.topics.table()) - len(made)} were there")
