"""The members of a fan-out's page: those who are there when it is read, in an order that a page can go on in."""

from __future__ import annotations

from typing import Final, NotRequired, Protocol, TypedDict

from pymongo import ASCENDING

from shared.model import formats
from shared.model.conditions import Condition, holds
from shared.model.fanouts import PAGE, Member, MemberPage, TakenPage, listed_from
from shared.model.ids import SEPARATOR
from shared.model.profile_lookup import profile_lookup
from shared.model.profiles import Profile
from shared.mongo.bulk import Rows
from shared.mongo.database import Database
from shared.mongo.errors import mongo_border
from shared.mongo.profiles import read_many

_BEHIND: Final = "\U0010ffff"
_FIELDS: Final = {"_id": 0, "user": 1, "life": 1, "deleted": 1}


class MemberRow(TypedDict):
    """What is read of a subscription or a profile."""

    user: str
    life: NotRequired[int | dict[str, int]]
    """A subscription's is a number, a profile's is a Life."""
    deleted: NotRequired[bool]


class MemberReader(Protocol):
    """Who knows the members of fan-outs."""

    async def page(self, taken: TakenPage, /) -> MemberPage:
        """The page's members. Raises MongoUnavailable; NewerFormat when a profile has to be read by a newer version."""
        ...


class Members:
    """A topic's subscribers and all users of a tenant as MongoDB has them, and what a list has.

    Who comes after its page was read is not meant, nor who is gone by then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, taken: TakenPage) -> MemberPage:
        """As MemberReader says."""
        fanout, cursor = taken.fanout, taken.page.cursor
        if taken.is_listed:
            named = tuple([Member(each.id, None, each.contact) for each in fanout.listed])
            return MemberPage(named, 0, str(listed_from(cursor) + PAGE) if len(named) == PAGE else None)
        if fanout.topic is not None:
            rows = await self._rows(
                self._database.subscriptions, f"{fanout.tenant}{SEPARATOR}{fanout.topic}{SEPARATOR}", cursor
            )
            found = [Member(row["user"], _life(row)) for row in rows]
        else:
            rows = await self._rows(self._database.profiles, f"{fanout.tenant}:", cursor)
            living = [row for row in rows if not row.get("deleted")]
            found = [Member(row["user"], _life(row)) for row in living]
        following = rows[-1]["user"] if len(rows) == PAGE else None
        meant = found if fanout.where is None else await self._meant(fanout.tenant, fanout.where, found)
        return MemberPage(tuple(meant), len(found) - len(meant), following)

    async def _rows(self, rows: Rows, prefix: str, cursor: str) -> list[MemberRow]:
        """Up to a page of the rows whose id is `prefix` and a user behind `cursor`."""
        place = {"_id": {"$gt": prefix + cursor, "$lt": prefix + _BEHIND}}
        with mongo_border():
            return await rows.find(place, _FIELDS).sort("_id", ASCENDING).limit(PAGE).batch_size(PAGE).to_list(PAGE)

    async def _meant(self, tenant: str, where: Condition, members: list[Member]) -> list[Member]:
        profiles = await read_many(self._database, [f"{tenant}:{member.user}" for member in members])
        return [member for member in members if _is_meant(where, profiles.get(f"{tenant}:{member.user}"))]


def _life(row: MemberRow) -> int:
    life = row.get("life", 0)
    return life if isinstance(life, int) else life.get("number", 0)


def _is_meant(where: Condition, profile: Profile | None) -> bool:
    """Whoever has no profile that can be read is not. Raises NewerFormat."""
    if profile is not None:
        formats.check("profile", profile.format)
    return profile is not None and not profile.deleted and holds(where, profile_lookup(profile))
