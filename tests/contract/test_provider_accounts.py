"""Provider accounts: changed only by who has read them as they are, looked at when it is time, enabled anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.channels import Channel
from shared.model.errors import KafkaUnavailable
from shared.model.ids import endpoint_id
from shared.model.ports import AccountStore
from shared.model.profiles import Profile
from shared.model.provider_accounts import AccountState, ProviderAccount, disabled, unknown
from shared.model.topics import Topics
from shared.mongo import profiles
from shared.mongo.database import Database
from shared.mongo.provider_accounts import ProviderAccounts, enable
from tests.support import samples as a
from tests.support.twins.provider_accounts import MemoryProviderAccounts
from tests.support.twins.publisher import MemoryPublisher


@pytest.fixture
def accounts(implementation: str, request: pytest.FixtureRequest) -> AccountStore:
    return (
        MemoryProviderAccounts() if implementation == "twin" else ProviderAccounts(request.getfixturevalue("database"))
    )


def account(name: str = "a", **changes: Any) -> ProviderAccount:
    return msgspec.structs.replace(unknown(name, Channel.WEBHOOK, a.NOON), **changes)


async def stored(accounts: AccountStore, name: str = "a") -> ProviderAccount:
    return (await accounts.read([name]))[name]


async def test_what_is_read_is_what_was_written(accounts: AccountStore) -> None:
    given = account(
        state=AccountState.HALF_OPEN,
        probe="d",
        pause=30_000,
        failing_since=a.NOON - 5,
        failed_at=a.NOON - 3,
        due=a.NOON + 7,
    )
    assert await accounts.swap(None, given)
    assert await accounts.read(["a", "other"]) == {"a": given}
    assert await accounts.read([]) == {}


async def test_of_two_that_read_the_same_one_writes(accounts: AccountStore) -> None:
    assert await accounts.swap(None, account(probe="first"))
    assert not await accounts.swap(None, account(probe="second"))
    seen = await stored(accounts)
    assert await accounts.swap(seen, msgspec.structs.replace(seen, probe="third"))
    assert not await accounts.swap(seen, msgspec.structs.replace(seen, probe="fourth"))
    assert (await stored(accounts)).probe == "third"
    assert not await accounts.remove(seen)
    assert await accounts.remove(await stored(accounts))
    assert await accounts.read(["a"]) == {}
    assert not await accounts.swap(seen, seen), "it has gone"


async def test_those_to_look_at_are_the_channels_own_the_longest_waiting_first(accounts: AccountStore) -> None:
    rows = [
        account("late", look=a.NOON - 9000), account("now", look=a.NOON), account("later", look=a.NOON + 1),
        account("gone", state=AccountState.DISABLED, look=a.NOON - 1), account("mail", channel=Channel.EMAIL),
        account("open", state=AccountState.OPEN, look=a.NOON - 10_000),
    ]  # fmt: skip
    for row in rows:
        await accounts.swap(None, row)
    names = [row.id for row in await accounts.to_look_at(Channel.WEBHOOK, a.NOON, most=10)]
    assert names == ["open", "late", "now"]
    assert [row.id for row in await accounts.to_look_at(Channel.WEBHOOK, a.NOON, most=1)] == ["open"]
    assert await accounts.known(Channel.WEBHOOK) == {"late", "now", "later", "gone", "open"}


@pytest.mark.real
async def test_a_row_of_an_older_version_is_read(database: Database) -> None:
    accounts = ProviderAccounts(database)
    given = account(failing_since=a.NOON - 5, failed_at=a.NOON)
    await accounts.swap(None, given)
    await database.provider_accounts.update_one({"_id": "a"}, {"$unset": {"failed_at": 1}})
    assert await stored(accounts) == msgspec.structs.replace(given, failed_at=None)


@pytest.mark.real
async def test_an_endpoint_that_is_named_anew_is_enabled(database: Database) -> None:
    accounts = ProviderAccounts(database)
    url, failing = "https://hooks.example.com/a", endpoint_id("acme", "https://failing.example.com/")
    gone = disabled(account(endpoint_id("acme", url)), "d")
    assert gone is not None
    await accounts.swap(None, gone)
    await accounts.swap(None, account(failing, failing_since=1))
    await enable(database, "another", url)
    assert await accounts.known(Channel.WEBHOOK) == {gone.id, failing}
    await enable(database, "acme", url)
    await enable(database, "acme", "https://failing.example.com/")
    assert await accounts.known(Channel.WEBHOOK) == {failing}, "what is not disabled stays as it is"


@pytest.mark.real
@pytest.mark.parametrize("kind", ["webhook", "chat"])
async def test_a_profile_that_names_a_disabled_endpoint_anew_enables_it_and_no_other_write_does(
    database: Database, kind: str
) -> None:
    accounts, publisher, url = ProviderAccounts(database), MemoryPublisher(), "https://hooks.example.com/a"
    gone = disabled(account(endpoint_id("acme", url)), "d")
    assert gone is not None

    async def write(**changes: Any) -> None:
        def change(profile: Profile) -> Profile:
            return msgspec.structs.replace(profile, **changes)

        await profiles.write(database, publisher, Topics(), tenant="acme", user="ada", change=change)

    async def is_disabled() -> bool:
        return bool(await accounts.read([gone.id]))

    await write(addresses={kind: url})
    assert await accounts.swap(None, gone)
    await write(name="Ada")
    assert await is_disabled()
    await write(addresses={kind: url + "bc"})
    assert await is_disabled()
    publisher.outages.add(1)
    with pytest.raises(KafkaUnavailable):
        await write(addresses={kind: url})
    await write(addresses={kind: url})
    assert not await is_disabled()
