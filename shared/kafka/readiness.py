"""Whether a service may work with this Kafka: it lets us in, and its topics are what they should be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
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
AGAIN_SECONDS: Final = 60.0
"""Between two looks at the topics of a service that works."""

log = structlog.get_logger()


class KafkaReadiness:
    """What a service asks of Kafka before it works, and `/readyz` afterwards."""

    def __init__(
        self, kafka: KafkaConnection, topics: Sequence[Topic], *, strict: bool = False, serves_anyway: bool = False
    ) -> None:
        """`strict`: what is weak keeps it waiting, too.

        `serves_anyway`: once its topics were fit, what they become later is a warning in the log and nothing else.
        """
        self._kafka = kafka
        self._topics = topics
        self._strict = strict
        self._serves_anyway = serves_anyway
        self._looked_at: float | None = None
        """When the topics of the service that works were looked at last."""
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
        self._looked_at = time.monotonic()

    async def topics_answer(self) -> bool | str:
        """For `/readyz`: True, or how the topics differ, as of a minute ago at most while Kafka answers."""
        if self._looked_at is not None and time.monotonic() - self._looked_at >= AGAIN_SECONDS:
            self._looked_at = time.monotonic()
            with suppress(KafkaUnavailable, TimeoutError):  # `answer` says so; what is known of the topics goes on
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._look()
        if self._serves_anyway and self._looked_at is not None:
            return True
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
            await self._look()
        except KafkaUnavailable as error:
            self.unavailable = str(error)
            self._tell("kafka_unavailable", self.unavailable, "it is asked again until it answers")
            return False
        self.unavailable = None
        return self.unfit is None

    async def _look(self) -> None:
        """What the topics are now. Raises KafkaUnavailable."""
        found, brokers = await describe_topics(self._kafka, [topic.name for topic in self._topics])
        differ = differences(self._topics, found, brokers=brokers)
        unfit = [each for each in differ if self._strict or each.severity is Severity.WRONG]
        if self._looked_at is not None and not differ:
            self._told.clear()  # it was mended: should it happen again, it is said again
        for each in differ:
            self._tell_difference(each, waits=each in unfit)
        self.unfit = "; ".join(map(str, unfit)) or None

    def _tell_difference(self, difference: TopicDifference, *, waits: bool) -> None:
        works = self._looked_at is not None
        consequence = "; this service waits for it" if waits and not works else ""
        self._tell("topic_differs", str(difference), f"{difference.mend}{consequence}")

    def _tell(self, event: str, reason: str, next_: str) -> None:
        if reason not in self._told:
            self._told.add(reason)
            log.warning(event, reason=reason, next=next_)
