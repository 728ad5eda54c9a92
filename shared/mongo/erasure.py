"""What a deletion leaves in other collections is erased: inbox rows, subscriptions, and in decisions and dead letters whatever tells of the person.

The decisions themselves stay for as long as they guard against replays. Holds end through `decide`, which says so.

It happens three times, because what is under way is written later: when the profile is deleted; when `decide` meets
the record of it, behind everything that it decided before; when the in_app lane meets what `decide` then writes there,
behind every row of before.
"""

from __future__ import annotations

from typing import Final

from shared.model.dead_letters import DeadLetterState
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.pull_erasure import erase_pull

HISTORY: Final = ("counters", "digests", "digest_members", "collapses", "runs")
"""What decisions remember of a user."""


def earlier_lives(tenant: str, user: str, life: int) -> dict[str, object]:
    """The rows of a user's lives before `life`; rows of the first may say nothing of it."""
    return {"tenant": tenant, "user": user, "$or": [{"life": None}, {"life": {"$lt": life}}]}


async def erase_inbox(database: Database, tenant: str, user: str, life: int) -> None:
    """Erases the inbox rows of the lives before `life`; may be repeated. Raises MongoUnavailable."""
    with mongo_border():
        await database.inbox.delete_many(earlier_lives(tenant, user, life))


async def erase_dead_letters(database: Database, tenant: str, user: str, life: int) -> None:
    """Takes what was to be sent, and to where, from the dead letters of the lives before `life`; may be repeated.

    Nobody can send them any more. Raises MongoUnavailable.
    """
    rows, contents = earlier_lives(tenant, user, life), {"value": "", "headers": "", "redrive.data": ""}
    ended = {"state": DeadLetterState.DISCARDED.value, "erased": True}
    with mongo_border():
        await database.dead_letters.update_many(
            rows | {"state": DeadLetterState.OPEN.value}, {"$set": ended, "$unset": contents}
        )
        await database.dead_letters.update_many(
            rows | {"erased": {"$ne": True}}, {"$set": {"erased": True}, "$unset": contents}
        )


async def erase(database: Database, tenant: str, user: str, life: int) -> None:
    """Erases what is left of the lives before `life`; may be repeated. Raises MongoUnavailable."""
    if not life:
        return
    rows = earlier_lives(tenant, user, life)
    await erase_inbox(database, tenant, user, life)
    await erase_dead_letters(database, tenant, user, life)
    await erase_pull(database, tenant, user, life)
    with mongo_border():
        await database.subscriptions.delete_many(rows)
        await database.decisions.update_many(
            rows | {"erased": {"$ne": True}},
            {
                "$set": {"erased": True, "inputs": {"known": False}, "items.$[sent].address": ""},
                "$unset": {"context": ""} | {f"items.$[sent].{field}": "" for field in ("name", "locale", "zone")},
            },
            array_filters=[{"sent.type": "deliver"}],
        )
        for name in HISTORY:
            await database[name].delete_many(rows)
