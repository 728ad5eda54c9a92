"""Carillon's own errors. Foreign errors are mapped to these once, at the border."""

from __future__ import annotations

from collections.abc import Callable, Iterator


class CarillonError(Exception):
    """The root of all errors raised by Carillon."""


class Invalid(CarillonError):
    """The sender's fault: never retried. `code` is stable, `pointer` is an RFC 6901 JSON pointer."""

    def __init__(self, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer


class InvalidEvent(Invalid):
    """Not a CloudEvent that Carillon can read."""


class InvalidRecord(Invalid):
    """A record of an internal topic that cannot be read."""


FAULTY_FORMAT = "the record format itself is broken: its value is the raw bytes that stood there"


class InvalidProfile(Invalid):
    """A profile, a preference set or quiet hours that make no sense."""


class InvalidWorkflow(Invalid):
    """A workflow file that cannot be published."""


def faults_of(check: Callable[..., object], *args: object) -> Iterator[InvalidWorkflow]:
    """What a check raises, if it does."""
    try:
        check(*args)
    except InvalidWorkflow as error:
        yield error


class Unavailable(CarillonError):
    """Infrastructure trouble: wait and resume, it is nobody's dead letter."""


class KafkaUnavailable(Unavailable):
    """Kafka did not acknowledge in time; what was sent may or may not be on the log."""


class KafkaRejected(CarillonError):
    """Kafka lets us in nowhere, and waiting cannot change it: names what to change."""


class MongoUnavailable(Unavailable):
    """MongoDB did not answer in time."""


class SchemaOutdated(Unavailable):
    """The database was not migrated to the version that this process needs."""
