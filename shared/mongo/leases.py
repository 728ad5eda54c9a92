"""The clock that all instances share."""

from __future__ import annotations

from datetime import datetime

from shared.mongo.database import Database


async def server_time(database: Database) -> datetime:
    """The clock that all instances share."""
    # command() does not take the database's options by itself, and would answer with a time without a zone.
    hello = await database.command("hello", codec_options=database.codec_options)
    now: datetime = hello["localTime"]
    return now
