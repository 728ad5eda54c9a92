"""Notifications to the subscribers of a topic: whom they go to is read page by page, by the router."""

from __future__ import annotations

from typing import Final

from shared.model import ids
from tests.chaos.calls import Calls
from tests.chaos.load import data, mark
from tests.chaos.run import Run
from tests.chaos.tables import Accepted

TOPIC: Final = "chaos"
SUBSCRIBERS: Final = tuple(f"a{number}" for number in range(5))
NUMBERS: Final = range(1_000_000, 1_000_003)
"""So many are sent, with numbers that the rest of the load does not come to."""
WORKFLOW: Final = "order.shipped"


async def send_to_subscribers(run: Run) -> None:
    """Accepted for each subscriber, at a time that nobody knows."""
    people = run.load.people
    async with Calls(harness=run.harness, keys=people.keys) as calls:
        for user in SUBSCRIBERS:
            await calls.insist("PUT", f"/v1/users/{user}", people.profile(user))
        await calls.insist("PUT", f"/v1/topics/{TOPIC}/subscriptions", {"users": SUBSCRIBERS}, good={200, 202, 204})
        for number in NUMBERS:
            wanted = {"workflow": WORKFLOW, "recipients": {"topic": TOPIC}, "data": data(number)}
            answer = await calls.insist("POST", "/v1/notifications", wanted)
            for user in SUBSCRIBERS:
                about = Accepted(owner=f"default:{user}#0", mark=mark(number))
                run.load.accepted[ids.notification_id(answer["id"], WORKFLOW, user)] = about
