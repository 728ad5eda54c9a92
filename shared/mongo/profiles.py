"""Profiles in MongoDB, and the one rule of writing them: write, tell `decide`, and only then answer.

The control record goes the way of the user's notifications, so whatever is accepted after the answer is
decided with the new profile. It is written even when nothing changed: repeating a call heals a crash between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from shared.model import formats, ids, inbox, records
from shared.model.addresses import CHAT_URL, WEBHOOK_URL
from shared.model.devices import device_ids
from shared.model.errors import InvalidProfile, Unavailable
from shared.model.formats import NewerFormat
from shared.model.inbox import InboxEvent
from shared.model.lives import Life
from shared.model.outputs import Output
from shared.model.owners import address_ids
from shared.model.ports import RecordWriter
from shared.model.profiles import Profile, format_of, from_document, readable_part
from shared.model.timestamps import to_datetime
from shared.model.topics import Topics
from shared.mongo.bulk import find_by_id
from shared.mongo.database import Database
from shared.mongo.erasure import erase
from shared.mongo.errors import mongo_border
from shared.mongo.provider_accounts import enable
from shared.process.clock import now_ms

log = structlog.get_logger()
TRIES: Final = 20
_KEPT: Final = frozenset({"tenant", "user", "version", "life", "deleted", "format"})

ProfileChange = Callable[[Profile], Profile]
"""From the stored profile (an empty one of version 0 for a new user) to the wanted one; may run more than once."""


class Contended(Unavailable):
    """Too many others wrote the same profile at the same time."""


async def read(database: Database, tenant: str, user: str) -> Profile | None:
    """The stored profile; None for a user nobody has written of, or who is deleted.

    Raises MongoUnavailable, or NewerFormat.
    """
    stored = await _stored(database, tenant, user)
    return None if stored is None or stored.deleted else stored


async def life_of(database: Database, tenant: str, user: str) -> Life:
    """The user's current life. Raises MongoUnavailable."""
    with mongo_border():
        document = await database.profiles.find_one(_place(tenant, user), {"life": 1})
    return msgspec.convert((document or {}).get("life", {}), Life)


async def _stored(database: Database, tenant: str, user: str, *, mends: bool = False) -> Profile | None:
    with mongo_border():
        document = await database.profiles.find_one(_place(tenant, user))
    if document is None:
        return None
    try:
        return from_document(document)
    except (msgspec.ValidationError, InvalidProfile):
        if not mends:
            raise
        return readable_part(document)


async def read_many(database: Database, user_keys: Sequence[str]) -> dict[str, Profile]:
    """The stored profiles of `tenant:user` keys, what is left of deleted ones too; others are left out.

    Raises MongoUnavailable.

    A profile that cannot be read is left out, too: nobody is notified by it, and no neighbour waits for it. Of one
    that only a newer version can read there is nothing but its `format`.
    """
    found: dict[str, Profile] = {}
    rows: dict[str, Mapping[str, object]] = await find_by_id(database.profiles, user_keys)
    for key, row in rows.items():
        try:
            found[key] = from_document(row)
        except NewerFormat as newer:
            log.error(
                "newer_profile", id=key, error=str(newer), next="update this process, and its time zones (tzdata)"
            )
            found[key] = Profile(tenant=str(row["tenant"]), user=str(row["user"]), format=newer.number)
        except (msgspec.ValidationError, InvalidProfile) as error:
            log.error("unreadable_profile", id=key, error=type(error).__name__, next="PUT the profile again")
    return found


async def versions(database: Database, user_keys: Sequence[str]) -> dict[str, int]:
    """The versions of stored profiles by `tenant:user`. Raises MongoUnavailable."""
    with mongo_border():
        rows = database.profiles.find({"_id": {"$in": list(user_keys)}}, {"version": 1})
        return {row["_id"]: row["version"] async for row in rows}


async def write(
    database: Database,
    writer: RecordWriter,
    topics: Topics,
    *,
    tenant: str,
    user: str,
    change: ProfileChange,
    mends: bool = False,
) -> Profile:
    """Applies `change`, raises the version, tells `decide`; returns the stored profile.

    Writers of the same profile do not undo each other: the change is applied anew to what came between. Tenant,
    user version and life are not for `change` to set. Raises MongoUnavailable, KafkaUnavailable or Contended; then the same call
    may be repeated. NewerFormat: an older version does not write over what it cannot read. What `change` raises passes.
    A stored profile that is malformed raises msgspec.ValidationError or InvalidProfile, unless the call `mends`: then
    `change` gets what can be read of it.
    """
    for _ in range(TRIES):
        stored = await _stored(database, tenant, user, mends=mends)
        wanted = change(stored or Profile(tenant=tenant, user=user))
        # Before it is written: a call that is repeated finds the address new as long as it is not.
        await _enable_endpoint(database, tenant, stored, wanted)
        written = await _replace(database, tenant, user, stored, wanted)
        if written is not None:
            record = records.encode(records.profile_changed(tenant, user, written.life.number))
            await writer.publish([Output(topics.notifications, ids.user_key(tenant, user), record, [])])
            return written
    raise Contended("the profile changes too often to be written")


async def remove(database: Database, writer: RecordWriter, topics: Topics, *, tenant: str, user: str) -> bool:
    """Ends the user's life: nothing of it stays but that there was one. False when there was no profile.

    The router, the sockets and the other collections are told all the same: repeating heals. Raises MongoUnavailable,
    KafkaUnavailable or Contended; then repeat the call.
    """
    removed, life = await _end_life(database, tenant, user)
    key = ids.user_key(tenant, user)
    outputs = [Output(topics.notifications, key, records.encode(records.profile_changed(tenant, user, life)), [])]
    if life:
        erased = InboxEvent(change=inbox.Change.ERASED, items=(), at=now_ms(), life=life)
        outputs.append(Output(topics.inbox, key, inbox.encode(erased), []))
    await writer.publish(outputs)
    await erase(database, tenant, user, life)
    return removed


async def _end_life(database: Database, tenant: str, user: str) -> tuple[bool, int]:
    """Leaves of a profile its version and the number of the next life; whether there was one, and that number."""
    for _ in range(TRIES):
        with mongo_border():
            document = await database.profiles.find_one(_place(tenant, user))
            if document is None:
                return False, 0
            life = msgspec.convert(document.get("life", {}), Life)
            if document.get("deleted"):
                return False, life.number
            now = now_ms()
            following = life.next(now)
            rest = {
                **_place(tenant, user),
                "version": document["version"] + 1,
                "life": msgspec.to_builtins(following),
                "deleted": True,
                "updated_at": to_datetime(now),
            }
            seen = _place(tenant, user) | {"version": document["version"]}
            if (await database.profiles.replace_one(seen, rest)).matched_count:
                return True, following.number
    raise Contended("the profile changes too often to be deleted")


class Lives:
    """Users' lives as `decide` keeps them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.profiles

    async def settle(self, lives: Mapping[str, int]) -> None:
        """`decide` has met the records of these lives (by user key). Raises MongoUnavailable.

        What it decided between the deletion and its record is erased first: the deletion could not see it yet.
        """
        for key, life in lives.items():
            open_ = {"_id": key, "life.number": life, "life.settled": False}
            with mongo_border():
                found = await self._rows.find_one(open_, {"tenant": 1, "user": 1})
            if found is not None:
                await erase(self._database, found["tenant"], found["user"], life)
                with mongo_border():
                    await self._rows.update_one(open_, {"$unset": {"life.settled": ""}})


async def _replace(
    database: Database, tenant: str, user: str, stored: Profile | None, wanted: Profile
) -> Profile | None:
    """The profile as written; None when another writer came between."""
    fields: dict[str, object] = {
        name: msgspec.to_builtins(getattr(wanted, name)) for name in Profile.__struct_fields__ if name not in _KEPT
    }
    # A new profile starts above every version that one deleted by an earlier release can have had, or a delivery
    # decided under that one would take it for unchanged.
    step = 1 if stored else now_ms()
    stamped = formats.stamp(format_of(wanted))
    known = {
        "address_ids": address_ids(wanted.addresses),
        "device_ids": device_ids(wanted.devices),
        "updated_at": to_datetime(now_ms()),
    }
    update = {
        "$set": fields | known | stamped,
        "$unset": {"deleted": "", **({} if stamped else {"format": ""})},
        "$inc": {"version": step},
    }
    # A new user is inserted by the same call; of two at once, one meets the other's _id.
    seen = {} if stored is None else {"version": stored.version}
    absent = {"version": {"$exists": False}} if stored is None else {}
    try:
        with mongo_border():
            document: Mapping[str, object] | None = await database.profiles.find_one_and_update(
                _place(tenant, user) | seen | absent,
                update,
                upsert=stored is None,
                return_document=ReturnDocument.AFTER,
            )
    except DuplicateKeyError:
        return None
    return None if document is None else from_document(document)


async def _enable_endpoint(database: Database, tenant: str, before: Profile | None, after: Profile) -> None:
    """An endpoint that is named anew is called again, though it was found gone before."""
    for kind in (WEBHOOK_URL, CHAT_URL):
        address = after.addresses.get(kind.name)
        if address is not None and (before is None or before.addresses.get(kind.name) != address):
            await enable(database, tenant, address)


def _place(tenant: str, user: str) -> dict[str, object]:
    return {"_id": f"{tenant}:{user}", "tenant": tenant, "user": user}
