"""What the agent for fan-outs works with. Wiring only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.router.fanout import FanoutWork
from services.router.members import Members
from services.router.pace import Pace
from services.router.settings import RouterSettings
from shared.kafka.dead_letters import bury
from shared.kafka.lag import Lag
from shared.kafka.producer import Publisher
from shared.model.channels import Channel
from shared.model.fanouts import PAGE
from shared.model.topics import Topics
from shared.mongo.database import Database
from shared.mongo.fanouts import Fanouts
from shared.process.retries import retry_until_available

PAGES_AT_ONCE: Final = 4
"""Of fan-outs in a chunk: all of their members are in memory."""


class FanoutParts:
    """The agent's work, and the connections that it has to itself."""

    def __init__(self, settings: RouterSettings, database: Database, here: Callable[[], int]) -> None:
        """`here`: how many records this process has yet to decide. Nothing connects here."""
        kafka, topics = settings.kafka_connection, settings.topics
        self._topics = topics
        self._publisher = Publisher(kafka, client_id="carillon-router-fanout", instead=bury(topics), known_keys=PAGE)
        self._lag = Lag(kafka, read_beside(topics), client_id="carillon-router-lag")
        self.fanouts = Fanouts(database)
        self.work = FanoutWork(
            fanouts=self.fanouts,
            members=Members(database),
            publisher=self._publisher,
            topics=topics,
            turn=Pace(self._waiting, here=here, most=settings.fanout_lag).turn,
        )

    async def start(self) -> None:
        """Connects to Kafka, however long that takes."""
        await retry_until_available(self._publisher.start)

    async def _waiting(self) -> int:
        """What waits to be shown, or a tenth of what the routers have yet to decide. Raises KafkaUnavailable.

        They commit twice a second: most of what stands behind their commits is decided, and each knows its own.
        """
        behind = await self._lag.count()
        to_decide = behind.pop(self._topics.notifications, 0)
        return max(to_decide // 10, *behind.values())

    async def stop(self) -> None:
        """Disconnects."""
        await self._publisher.stop()
        await self._lag.close()


def read_beside(topics: Topics) -> dict[str, str]:
    """The topics in which fan-outs leave room for others, and the groups that read them."""
    lanes = Channel.IN_APP.spec.lanes
    shown = {topics.deliveries(Channel.IN_APP, lane): topics.delivery_group(Channel.IN_APP, lane) for lane in lanes}
    return {topics.notifications: topics.group("router"), **shown}
