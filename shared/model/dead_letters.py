"""Dead letters: a record as it came, with headers that say where it stood and why nobody retries it; and the way back."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from shared.model.errors import Invalid
from shared.model.events import ACCEPTED_AT, FIRST_ACCEPTED, GENERATION
from shared.model.outputs import Headers, KafkaRecord, Output


class DeadLetterState(StrEnum):
    """What became of a dead letter of a delivery."""

    OPEN = "open"
    REDRIVING = "redriving"
    """Somebody wants it sent again; it is on its way to the log."""
    REDRIVEN = "redriven"
    """It is decided again, one generation on."""
    DISCARDED = "discarded"
    """Nobody wants it sent any more."""


class UnreadableRecord(NamedTuple):
    """A record as it came, and what is wrong with it."""

    record: KafkaRecord
    error: Invalid
    event: str | None = None
    """The id of the event that it is, where that much can be read."""


def dead_letter(
    topic: str,
    record: KafkaRecord,
    *,
    group: str,
    code: str,
    error_class: str,
    at: int,
    first_failed_at: int | None = None,
    attempts: int = 1,
    event: str | None = None,
) -> Output:
    """`record` for the dead-letter topic. `at` in milliseconds since the epoch; it failed first then, if not before."""
    values: tuple[tuple[str, object], ...] = (
        ("source_topic", record.topic),
        ("source_partition", record.partition),
        ("source_offset", record.offset),
        ("source_consumer_group", group),
        ("attempts", attempts),
        ("error_class", error_class),
        ("error_code", code),
        ("first_failed_at", at if first_failed_at is None else first_failed_at),
        ("last_failed_at", at),
        *([("event_id", event)] if event is not None else ()),
    )
    headers = [(name, str(value).encode()) for name, value in values]
    came = [(_writable(name), raw) for name, raw in record.headers]
    return Output(topic, record.key, record.value, [*came, *headers])


class DeadLetter(NamedTuple):
    """A record of a dead-letter topic, taken apart."""

    offset: int
    """Its own."""
    source: KafkaRecord
    """The record as it came, at the place where it stood; without a timestamp."""
    code: str
    failed_at: int | None
    """Milliseconds since the epoch."""
    event: str | None

    @property
    def generation(self) -> int:
        """How often it was redriven before it came here."""
        given = dict(self.source.headers).get(GENERATION) or b""
        return int(given) if given.isdigit() else 0


def failure_of(record: KafkaRecord, errors: str = "replace") -> tuple[Headers, dict[str, str]]:
    """The headers that a record came with, and what its dead letter says of its failure; nothing, if it is none.

    Raises UnicodeDecodeError with `errors="strict"`.
    """
    starts = [position for position, (name, _) in enumerate(record.headers) if name == "source_topic"]
    if not starts:
        return record.headers, {}
    appended = record.headers[starts[-1] :]
    return record.headers[: starts[-1]], {name: raw.decode(errors=errors) for name, raw in appended if raw is not None}


def read_dead_letter(record: KafkaRecord) -> DeadLetter | None:
    """What `dead_letter` made; None for a record that it did not make."""
    try:
        headers, facts = failure_of(record, "strict")
        source = record._replace(
            topic=facts["source_topic"],
            partition=int(facts["source_partition"]),
            offset=int(facts["source_offset"]),
            headers=headers,
            timestamp=-1,
        )
        failed_at = facts.get("last_failed_at", "")
    except (KeyError, ValueError):
        return None
    return DeadLetter(
        offset=record.offset,
        source=source,
        code=facts.get("error_code", ""),
        failed_at=int(failed_at) if failed_at.isdigit() else None,
        event=facts.get("event_id"),
    )


def accepted_first(record: KafkaRecord, failed_at: int | None = None) -> int | None:
    """When an event was accepted first, in milliseconds since the epoch; None: nothing says it.

    As far as it is known: by the record, by its broker, or no later than it failed.
    """
    given = dict(record.headers)
    said = given.get(FIRST_ACCEPTED) or given.get(ACCEPTED_AT) or b""
    if said.isdigit():
        return int(said)
    return record.timestamp if record.timestamp > 0 else failed_at


def redriven(record: KafkaRecord, generation: int, failed_at: int | None = None) -> Output:
    """An event's record once more, to the topic where it stood: the same ids, accepted anew, of a higher generation.

    It says when it was accepted first, as far as that is known: by itself, by its broker, or no later than it failed.
    """
    ours = (GENERATION, ACCEPTED_AT, FIRST_ACCEPTED)
    given = dict(record.headers)
    first = given.get(FIRST_ACCEPTED) or given.get(ACCEPTED_AT)
    since = record.timestamp if record.timestamp > 0 else failed_at
    if first is None and since is not None:
        first = str(since).encode()
    headers = [pair for pair in record.headers if pair[0] not in ours]
    headers.append((GENERATION, str(generation).encode()))
    return Output(
        record.topic, record.key, record.value, headers if first is None else [*headers, (FIRST_ACCEPTED, first)]
    )


def _writable(name: str) -> str:
    r"""The name; bytes of it that are not UTF-8 as `\xff`, since names are written as UTF-8."""
    return name if name.isascii() else name.encode(errors="surrogateescape").decode(errors="backslashreplace")
