"""The members of a page: those behind its cursor, in an order that the next page goes on in."""

from __future__ import annotations

import msgspec
import pytest

from services.router.members import MemberReader, Members
from shared.model.fanouts import PAGE, FanoutPage, Member, MemberPage, StartedFanout, TakenPage
from shared.model.formats import NewerFormat
from shared.mongo.subscriptions import Subscriptions
from tests.support import samples as a
from tests.support.fanouts import TOPIC, of_list, of_topic
from tests.support.twins.fanouts import MemoryMembers, MemorySubscriptions

USERS = [f"u-{number:04}" for number in range(PAGE + 2)]
Stores = tuple[Subscriptions | MemorySubscriptions, MemberReader]


@pytest.fixture
def stores(implementation: str, request: pytest.FixtureRequest) -> Stores:
    if implementation == "twin":
        subscriptions = MemorySubscriptions()
        return subscriptions, MemoryMembers(subscriptions)
    database = request.getfixturevalue("database")
    return Subscriptions(database), Members(database)


def taken(fanout: StartedFanout, cursor: str = "") -> TakenPage:
    page = FanoutPage(fanout=fanout.id, cursor=cursor)
    return TakenPage(fanout=fanout, page=page, is_listed=bool(fanout.listed))


async def test_a_topic_is_walked_in_order_of_user(stores: Stores) -> None:
    subscriptions, members = stores
    await subscriptions.put("acme", TOPIC, dict.fromkeys(reversed(USERS), 2))
    await subscriptions.put("acme", f"{TOPIC}7", {"elsewhere": 0})
    first = await members.page(taken(of_topic()))
    assert [member.user for member in first.members] == USERS[:PAGE]
    assert first.cursor is not None
    rest = await members.page(taken(of_topic(), first.cursor))
    assert rest == MemberPage((Member(USERS[-2], 2), Member(USERS[-1], 2)), 0, None)


async def test_nobody_is_subscribed(stores: Stores) -> None:
    assert await stores[1].page(taken(of_topic())) == MemberPage((), 0, None)


async def test_a_list_says_where_it_goes_on(stores: Stores) -> None:
    """The store gives a page of it at a time."""
    full, rest = of_list(USERS[:PAGE]), of_list(USERS[PAGE:])
    assert (await stores[1].page(taken(full))).cursor == str(PAGE)
    found = await stores[1].page(taken(rest, str(PAGE)))
    assert found == MemberPage((Member(USERS[-2]), Member(USERS[-1])), 0, None)


@pytest.mark.real
class TestUsers:
    """All users of a tenant, and of whom something holds: profiles have no such twin."""

    async def page(self, database, where: dict | None = None, cursor: str = "") -> MemberPage:
        fanout = msgspec.structs.replace(of_topic(), topic=None, where=where)
        return await Members(database).page(taken(fanout, cursor))

    async def test_the_deleted_and_other_tenants_users_are_not_among_them(self, database) -> None:
        await profiles(database, "ada", life={"number": 3})
        await profiles(database, "bob", deleted=True, life={"number": 1})
        await profiles(database, "eve", tenant="acme2")
        assert await self.page(database) == MemberPage((Member("ada", 3),), 0, None)

    async def test_those_of_whom_the_condition_does_not_hold_are_counted(self, database) -> None:
        await profiles(database, "ada", locale="de")
        await profiles(database, "bob", "eve", locale="en")
        found = await self.page(database, {"profile.locale": ["de"]})
        assert found == MemberPage((Member("ada", 0),), 2, None)

    async def test_a_page_ends_where_it_was_read_to_whoever_is_left_of_it(self, database) -> None:
        await profiles(database, *USERS, locale="en")
        found = await self.page(database, {"profile.locale": ["de"]})
        assert found == MemberPage((), PAGE, USERS[PAGE - 1])
        assert await self.page(database, None, USERS[PAGE - 1]) == MemberPage(
            (Member(USERS[-2], 0), Member(USERS[-1], 0)), 0, None
        )

    async def test_a_profile_that_only_a_newer_version_can_read_is_left_to_it(self, database) -> None:
        await profiles(database, "ada", format=a.NEWER)
        assert len((await self.page(database)).members) == 1, "where nothing is asked of it, it is read later"
        with pytest.raises(NewerFormat):
            await self.page(database, {"profile.locale": ["de"]})


async def profiles(database, *users: str, tenant: str = "acme", **more) -> None:
    rows = [{"_id": f"{tenant}:{user}", "tenant": tenant, "user": user, "version": 1, **more} for user in users]
    await database.profiles.insert_many(rows)
