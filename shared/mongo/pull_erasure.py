"""What waits for a producer's sender, of a user who is deleted: nothing of the person stays."""

from __future__ import annotations

from pymongo import UpdateOne

from shared.model import formats
from shared.model.pull import without_person
from shared.model.records import encode
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.leases import FREE
from shared.mongo.pull_rows import from_row, place

BULK = 50


async def erase_pull(database: Database, tenant: str, user: str, life: int) -> None:
    """Of the lives before `life`; may be repeated. Raises MongoUnavailable.

    The content goes first: whoever then finds it without an address ends it. Who has it already may still report.
    """
    rows: Rows = database.deliveries
    theirs = {"tenant": tenant, "user": user, "pull.life": {"$lt": life}, **formats.readable()}
    with mongo_border():
        updates: list[UpdateOne] = []
        async for row in rows.find({**theirs, "pull.erased": {"$ne": True}}).batch_size(BULK):
            delivery = from_row(row).delivery
            record = encode(without_person(delivery))
            erased = {"pull.record": record, "pull.headers": [], "pull.size": len(record), "pull.erased": True}
            updates.append(UpdateOne(place(delivery) | {"pull": {"$exists": True}}, {"$set": erased}))
            if len(updates) == BULK:
                await rows.bulk_write(updates, ordered=False)
                updates = []
        if updates:
            await rows.bulk_write(updates, ordered=False)
        ended = {"$set": {"pull.ready": False, "pull.look": FREE}}
        await rows.update_many({**theirs, "pull.ready": True, "pull.erased": True}, ended)
