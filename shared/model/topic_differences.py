"""How a topic differs from its row in the table, what follows from it, and how to mend it (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.model.topics import Topic

COPIES: Final = 3
"""Of each partition, where there are as many brokers."""
_ALTER: Final = "kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config {name}={value}"
_ANEW: Final = (
    "its partitions cannot be changed in place: set CARILLON_PARTITIONS to what all such topics have, or stop intake, "
    "let everything drain, delete the topic and run `carillon topics create`"
)
_SHOW: Final = "give this principal the ACL DescribeConfigs on the topic"
_COPY: Final = "kafka-reassign-partitions.sh gives it more copies while everything runs"


class Severity(StrEnum):
    """What a difference does."""

    WRONG = "wrong"
    """A service that uses the topic must not go on: order, or records, would be lost."""
    WEAK = "weak"
    """It works, with less than is promised."""


@dataclass(frozen=True, kw_only=True)
class FoundTopic:
    """A topic as the broker has it."""

    partitions: int
    replication: int
    settings: Mapping[str, str] | None
    """None: the broker does not tell us."""


@dataclass(frozen=True, kw_only=True)
class TopicDifference:
    """One thing that is not as in the table."""

    topic: str
    what: str
    wanted: str
    found: str
    severity: Severity
    mend: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, not {self.wanted}"


def differences(topics: Iterable[Topic], found: Mapping[str, FoundTopic], *, brokers: int) -> list[TopicDifference]:
    """Every difference of these topics, in their order."""
    return [each for topic in topics for each in _of_one(topic, found.get(topic.name), brokers)]


def _of_one(topic: Topic, found: FoundTopic | None, brokers: int) -> Iterator[TopicDifference]:
    def difference(what: str, wanted: object, is_: object, severity: Severity, mend: str) -> TopicDifference:
        return TopicDifference(
            topic=topic.name, what=what, wanted=str(wanted), found=str(is_), severity=severity, mend=mend
        )

    if found is None:
        yield difference("topic", "there", "missing", Severity.WRONG, "carillon topics create")
        return
    if found.partitions != topic.partitions:
        severity = Severity.WRONG if topic.ordered else Severity.WEAK
        yield difference("partitions", topic.partitions, found.partitions, severity, _ANEW)
    copies = min(COPIES, brokers)
    if found.replication < copies:
        yield difference("replication", copies, found.replication, Severity.WEAK, _COPY)
    if found.settings is None:
        yield difference("settings", "readable", "not shown to us", Severity.WEAK, _SHOW)
        return
    wanted = topic.settings_of(found.replication)
    for name, value in wanted.items():
        is_ = found.settings.get(name)
        if is_ is not None and (severity_ := _severity(topic, name, value, is_)) is not None:
            yield difference(name, value, is_, severity_, _ALTER.format(topic=topic.name, name=name, value=value))


def _severity(topic: Topic, name: str, wanted: str, found: str) -> Severity | None:
    """None: it is as good."""
    match name:
        case "cleanup.policy":
            if found == wanted:
                return None
            return Severity.WEAK if topic.compacted else Severity.WRONG  # compaction takes records that nobody read
        case "message.timestamp.type":
            return None if found == wanted else Severity.WRONG if topic.ordered else Severity.WEAK
        case "retention.ms" | "max.message.bytes" | "min.insync.replicas":
            return None if _at_least(found, wanted) else Severity.WEAK
        case _:
            return None if found == wanted else Severity.WEAK


def _at_least(found: str, wanted: str) -> bool:
    """As numbers, of which a negative one means without end."""
    is_, least = int(found), int(wanted)
    return is_ < 0 or (least >= 0 and is_ >= least)
