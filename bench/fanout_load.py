"""The load of the fan-out's benchmark: one event, one topic, its subscribers."""

from __future__ import annotations

from typing import Final

from bench.stage import TENANT, Names
from shared.model import ids
from shared.model.channel_templates import Templates
from shared.model.channels import Channel
from shared.model.expansion import Request
from shared.model.fanouts import StartedFanout, start_fanout
from shared.model.steps import ChannelStep
from shared.model.templates import InAppTemplate
from shared.model.workflows import Workflow
from shared.mongo.database import Database, open_database
from shared.mongo.subscriptions import Subscriptions
from shared.process.clock import now_ms

TOPIC: Final = "channel:all-hands"
NEWS: Final = Workflow(
    key="bench.news",
    category="news",
    steps=(ChannelStep(key="notify", channels=(Channel.IN_APP,)),),
    templates=Templates(in_app=InAppTemplate(title="{{ data.title }}")),
    version=1,
)
PORTION: Final = 2_000


def started() -> StartedFanout:
    """The fan-out of one event, with data of some 250 bytes."""
    data = b'{"title":"All hands on Thursday","room":"Rotterdam","text":"' + b"See you there. " * 12 + b'"}'
    request = Request(
        tenant=TENANT,
        event_id=ids.event_id(TENANT, "bench", "1"),
        event_type="news.published",
        source="bench",
        recipients=(),
        data=data,
        accepted_at=now_ms(),
    )
    return start_fanout(request, NEWS, topic=TOPIC)


async def lay_members(names: Names, count: int, *, with_profiles: bool = False) -> None:
    """Subscribes so many; with profiles they can be notified, too."""
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        subscriptions = Subscriptions(database)
        for start in range(0, count, PORTION):
            users = [f"user-{number}" for number in range(start, min(count, start + PORTION))]
            await subscriptions.put(TENANT, TOPIC, dict.fromkeys(users, 0))
            if with_profiles:
                await _profiles(database, users)


async def _profiles(database: Database, users: list[str]) -> None:
    await database.profiles.insert_many(
        {"_id": f"{TENANT}:{user}", "tenant": TENANT, "user": user, "version": 1, "locale": "en"} for user in users
    )
