"""The same load under all the rules: a throttle step, a frequency cap, a tenant's defaults, a suppression list.

Each user gets ten notifications, of which the throttle lets nine pass; one user in ten is on the list.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from bench import load
from bench.stage import TENANT, Names
from shared.model import ids
from shared.model.channels import Channel
from shared.model.notifications import Notification
from shared.model.owners import address_ids
from shared.model.profiles import Preferences
from shared.model.steps import ThrottleStep
from shared.model.tenants import FrequencyCap, TenantSettings
from shared.model.timestamps import to_datetime
from shared.mongo.database import open_database
from shared.process.clock import now_ms

EACH: Final = 10
MOST: Final = 9
LISTED: Final = 10_000
"""Addresses on the list beside those of users here."""
WORKFLOW: Final = msgspec.structs.replace(
    load.WORKFLOW,
    key="bench.limited",
    steps=(ThrottleStep(key="limit", most=MOST, seconds=3600), *load.WORKFLOW.steps),
)
SETTINGS: Final = TenantSettings(
    tenant=TENANT,
    version=1,
    preferences=Preferences(categories={"marketing": False}, channel_types={Channel.WEBHOOK: False}),
    caps=(FrequencyCap(most=1_000, seconds=86_400),),
)


def users(count: int) -> int:
    """How many users so many notifications go to."""
    return max(1, count // EACH)


def is_listed(user: int) -> bool:
    """Whether the user's e-mail address is on the suppression list."""
    return user % 10 == 0


def channels(user: int) -> tuple[Channel, ...]:
    """What the rules must find for a user, unless the throttle ends it."""
    return tuple(channel for channel in load.channels(user) if channel is not Channel.EMAIL or not is_listed(user))


def passes(number: int, count: int) -> bool:
    """Whether the throttle lets the numberth notification pass."""
    return number // users(count) < MOST


def notification(count: int, number: int, now: int) -> Notification:
    """The numberth of `count` notifications; users take turns."""
    user = number % users(count)
    found = channels(user) if passes(number, count) else ()
    data = {
        "order": f"A-{number}",
        "carrier": "DHL",
        "city": "Rotterdam",
        "channels": found,
        "url": f"https://example.com/orders/{number}/track",
    }
    return msgspec.structs.replace(
        load.notification(number, now),
        id=ids.notification_id(ids.event_id(TENANT, "bench", str(number)), WORKFLOW.key, f"user-{user}"),
        user=f"user-{user}",
        workflow=WORKFLOW.key,
        data=msgspec.Raw(msgspec.json.encode(data)),
    )


def deliveries(count: int) -> int:
    """How many deliveries `count` notifications must become."""
    return sum(len(channels(number % users(count))) for number in range(count) if passes(number, count))


async def lay(names: Names, count: int) -> None:
    """Users, the tenant's settings and the list."""
    await load.lay_users(names, users(count))
    now = to_datetime(now_ms())
    here = [f"user-{user}@example.com" for user in range(users(count)) if is_listed(user)]
    listed = [*here, *(f"gone-{number}@example.com" for number in range(LISTED))]
    entries = [
        {
            "_id": f"entry-{number}",
            "tenant": TENANT,
            "address": address_ids({"email": address})[0],
            "reason": "bounced",
            "category": None,
            "created_at": now,
            "by": "bench",
        }
        for number, address in enumerate(listed)
    ]
    async with open_database(names.mongo, names.prefix, timeout_ms=60_000) as database:
        await database.tenants.insert_one({**msgspec.to_builtins(SETTINGS), "_id": TENANT, "updated_at": now})
        for start in range(0, len(entries), 2_000):
            await database.suppressions.insert_many(entries[start : start + 2_000])


def preload(names: Names, count: int) -> None:
    """Writes the notifications; blocks until all are acknowledged."""
    load.preload(names, count, partial(notification, count))


RULES: Final = load.Scenario(workflow=WORKFLOW, lay=lay, preload=preload, deliveries=deliveries)
