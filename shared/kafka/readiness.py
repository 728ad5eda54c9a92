"""Whether a service may work with this Kafka: it lets us in, and its topics are what they should be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from shared.kafka.admin import describe_topics
from shared.kafka.connection import KafkaConnection, SecurityProtocol
from shared.kafka.rejections import check_connection
from shared.model.errors import KafkaRejected, KafkaUnavailable
from shared.model.topic_differences import Severity, TopicDifference, differences
from shared.model.topics import Topic

FIRST_SECONDS: Final = 0.2
LAST_SECONDS: Final = 3.0
PROBE_SECONDS: Final = 1.5

log = structlog.get_logger()


class KafkaReadiness:
    """What a service asks of Kafka before it works, and `/readyz` afterwards."""

    def __init__(self, kafka: KafkaConnection, topics: Sequence[Topic], *, strict: bool = False) -> None:
        """`strict`: what is weak keeps it waiting, too."""
        self._kafka = kafka
        self._topics = topics
        self._strict = strict
        self._told: set[str] = set()
        self.unavailable: str | None = "not asked yet"
        """Why Kafka does not answer; None: it did when it was asked last."""
        self.unfit: str | None = None
        """How its topics differ, as far as that keeps the service waiting."""

    async def wait(self) -> None:
        """Returns once Kafka and its topics are fit for work, however long that takes; each reason is logged once.

        Raises KafkaRejected when Kafka answers and does not let us in: waiting cannot change that.
        """
        if self._kafka.security is SecurityProtocol.SASL_PLAINTEXT:
            log.warning(
                "kafka_in_clear", next="whoever listens on the way reads it: CARILLON_KAFKA_SECURITY_PROTOCOL=SASL_SSL"
            )
        pause = FIRST_SECONDS
        while not await self._is_fit():
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_SECONDS)

    async def topics_answer(self) -> bool | str:
        """For `/readyz`: True, or how the topics differ."""
        return self.unfit or True

    async def answer(self) -> bool | str:
        """For `/readyz`: True, or why Kafka does not let us in now; asked anew each time."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await check_connection(self._kafka)
        except (KafkaRejected, KafkaUnavailable) as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {PROBE_SECONDS:g} s"
        return True

    async def _is_fit(self) -> bool:
        try:
            await check_connection(self._kafka)
            found, brokers = await describe_topics(self._kafka, [topic.name for topic in self._topics])
        except KafkaUnavailable as error:
            self.unavailable = str(error)
            self._tell("kafka_unavailable", self.unavailable, "it is asked again until it answers")
            return False
        self.unavailable = None
        differ = differences(self._topics, found, brokers=brokers)
        unfit = [each for each in differ if self._strict or each.severity is Severity.WRONG]
        for each in differ:
            self._tell_difference(each, waits=each in unfit)
        self.unfit = "; ".join(map(str, unfit)) or None
        return not unfit

    def _tell_difference(self, difference: TopicDifference, *, waits: bool) -> None:
        consequence = "; this service waits for it" if waits else ""
        self._tell("topic_differs", str(difference), f"{difference.mend}{consequence}")

    def _tell(self, event: str, reason: str, next_: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            log.warning(event, reason=reason, next=next_)
