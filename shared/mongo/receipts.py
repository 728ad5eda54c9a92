"""Receipts in the ledger's rows: written by whoever is told, beside what the workers write."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model import formats
from shared.model.errors import MongoUnavailable
from shared.model.receipts import Receipt, ReceiptedDelivery, ReceiptOutcome, advance
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border

_COPY: Final = ("workflow", "variant", "locale")
_READ: Final = dict.fromkeys(
    ("user", "notification", "channel", "step", "generation", "pass", "receipt", "format", *_COPY), 1
)
MAX_RACES: Final = 10


class Receipts:
    """A ReceiptStore over the `deliveries` collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, tenant: str, delivery: str, receipt: Receipt) -> ReceiptedDelivery:
        """As ReceiptStore says."""
        rows: Rows = self._database.deliveries
        place = {"_id": delivery, "tenant": tenant}
        for _ in range(MAX_RACES):
            with mongo_border():
                row = await rows.find_one(place, _READ)
            if row is None or row["generation"] < receipt.generation:
                return ReceiptedDelivery(ReceiptOutcome.UNKNOWN)
            formats.check_row("ledger row", row)
            if row["generation"] > receipt.generation:
                return ReceiptedDelivery(ReceiptOutcome.LATE)
            known = msgspec.convert(row["receipt"], Receipt) if "receipt" in row else None
            outcome = advance(known, receipt)
            if outcome is ReceiptOutcome.LATE:
                return ReceiptedDelivery(outcome)
            if outcome is ReceiptOutcome.ADVANCED:
                known = msgspec.structs.replace(receipt, pass_=row["pass"])
                as_it_was = {"generation": row["generation"], "receipt": row.get("receipt")}
                with mongo_border():
                    written = await rows.update_one(
                        place | as_it_was, {"$set": {"receipt": msgspec.to_builtins(known)}}
                    )
                if not written.matched_count:
                    continue  # somebody was told something else meanwhile
            copy = (row.get(name) for name in _COPY)
            return ReceiptedDelivery(
                outcome, row["user"], row["notification"], row["channel"], row.get("step"), known, *copy
            )
        raise MongoUnavailable("others are told of the same delivery all the time")
