"""What decisions add to what later ones look at: once, whatever is repeated, and never backwards."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.deciding.asked import Asked
from shared.deciding.digest_content import MAX_SHOWN_BYTES
from shared.deciding.facts import collapse_id
from shared.deciding.history import Newest
from shared.deciding.history_book import HistoryBook, LoadedHistory
from shared.deciding.history_changes import Decided
from shared.deciding.items import Counted, DigestChange, Gathered, Replaced, RoutingItem
from shared.model.outputs import Coordinates
from shared.model.profiles import Preferences
from shared.model.rules import Rule
from shared.mongo.cancellations import Cancellations
from shared.mongo.histories import Histories
from shared.mongo.history_rows import PASSED
from shared.mongo.subscriptions import Subscriptions
from shared.process.clock import now_ms
from tests.support import samples as a
from tests.support.twins.fanouts import MemorySubscriptions
from tests.support.twins.histories import MemoryHistories

Store = Histories | MemoryHistories


@pytest.fixture
def store(implementation: str, request: pytest.FixtureRequest) -> Store:
    return MemoryHistories() if implementation == "twin" else Histories(request.getfixturevalue("database"))


def decided(*items: RoutingItem, offset: int = 1, at: int = a.NOON, **about: Any) -> Decided:
    return Decided(
        notification=a.notification(**about),
        items=items,
        at=at,
        coordinates=Coordinates("n", 3, offset),
        generation=0,
        pass_=0,
        hold="h",
        is_run=False,
    )


COUNT = Counted(rule=Rule.THROTTLE, counter="c", seconds=60)


async def counts(store: Store) -> list[tuple[str, int]]:
    found = (await store.load([Asked(counters=("c", "other"))])).counters
    assert set(found) <= {"c"}
    return [(count.notification, count.at - a.NOON) for count in found.get("c", ())]


async def test_a_notification_is_counted_once(store: Store) -> None:
    assert await counts(store) == []
    await store.apply([decided(COUNT, id="n-1"), decided(COUNT, id="n-2", at=a.NOON + 5)])
    await store.apply([decided(COUNT, id="n-1"), decided(COUNT, id="n-2", at=a.NOON + 5)])
    assert sorted(await counts(store)) == [("n-1", 0), ("n-2", 5)]


async def test_what_nobody_asks_for_goes(store: Store) -> None:
    for number in range(PASSED + 5):
        await store.apply([decided(COUNT, id=f"n-{number}", at=a.NOON + number)])
    assert await counts(store) == [(f"n-{number}", number) for number in range(4, PASSED + 5)]


def gathered(change: DigestChange, items: int, *, digest: str = "d", **more: Any) -> Gathered:
    known: dict[str, Any] = {"due": a.NOON + 60, "holder": "n-1", "opened_at": a.NOON}
    return Gathered(rule=Rule.DIGEST, change=change, digest=digest, slot="s", step="g", items=items, **(known | more))


def opened(offset: int = 1, digest: str = "d") -> Decided:
    return decided(gathered(DigestChange.OPEN, 1, digest=digest), id="n-1", data=msgspec.Raw(b"1"), offset=offset)


def joined(number: int, offset: int, digest: str = "d") -> Decided:
    item = gathered(DigestChange.JOIN, number, digest=digest)
    return decided(item, id=f"n-{number}", data=msgspec.Raw(b"%d" % number), offset=offset)


def closed(offset: int, digest: str = "d") -> Decided:
    return decided(gathered(DigestChange.CLOSE, 2, digest=digest), id="n-1", offset=offset)


async def slot(store: Store) -> tuple[str, int, str | None] | None:
    open_ = (await store.load([Asked(slots=("s",))])).digests.get("s")
    return None if open_ is None else (open_.id, open_.items, open_.hold)


async def content(store: Store, shown: int = 100) -> tuple[int, list[str], list[bytes]]:
    found = (await store.load([Asked(digest="d", shown=shown)])).contents["d"]
    return found.count, list(found.members), [bytes(data) for data in found.data]


@pytest.mark.parametrize("together", [True, False])
async def test_a_digest_knows_who_holds_it_how_many_it_has_and_what(store: Store, *, together: bool) -> None:
    chunk = [opened(), joined(2, 2), joined(3, 3)]
    for part in [chunk] if together else [[each] for each in chunk]:
        await store.apply(part)
    assert await slot(store) == ("d", 3, "h")
    assert await content(store) == (3, ["n-1", "n-2", "n-3"], [b"1", b"2", b"3"])
    assert await content(store, shown=2) == (3, ["n-1", "n-2"], [b"1", b"2"])


async def test_what_came_by_a_topic_goes_by_what_its_subscription_says_now(
    store: Store, implementation: str, request: pytest.FixtureRequest
) -> None:
    """Those that say nothing are left out; None: unsubscribed, or subscribed by who had the id before."""
    topics = [("all", 1), ("no-mail", MAX_SHOWN_BYTES), ("no-mail", 1), ("left", 1), ("former", 1)]
    joins = [
        decided(gathered(DigestChange.JOIN, n), id=f"n-{n}", data=msgspec.Raw(b"1" * size), offset=n, topic=topic)
        for n, (topic, size) in enumerate(topics, 2)
    ]
    await store.apply([opened(), *joins])
    if isinstance(store, MemoryHistories):
        subscriptions: MemorySubscriptions | Subscriptions = store.subscriptions
    else:
        subscriptions = Subscriptions(request.getfixturevalue("database"))
    no_mail = Preferences(channel_types={"email": False})
    for topic, life, preferences in (("all", 0, None), ("no-mail", 0, no_mail), ("former", 7, None)):
        await subscriptions.put("acme", topic, {"ada": life}, preferences)
    found = (await store.load([Asked(digest="d", shown=100)])).contents["d"]
    assert (found.numbered, found.gone, found.members) == (6, frozenset(), ("n-1", "n-2", "n-3", "n-5", "n-6"))
    assert found.wants == {"n-3": no_mail, "n-4": no_mail, "n-5": None, "n-6": None}


@pytest.mark.parametrize("together", [True, False])
async def test_the_first_is_shown_however_large_it_is_and_no_more_than_fits(store: Store, *, together: bool) -> None:
    large = msgspec.Raw(b'"%b"' % (b"x" * MAX_SHOWN_BYTES))
    chunk = [decided(gathered(DigestChange.OPEN, 1), id="n-1", data=large), joined(2, 2), joined(3, 3)]
    for part in [chunk] if together else [[each] for each in chunk]:
        await store.apply(part)
    assert await content(store) == (3, ["n-1"], [bytes(large)])
    in_one_chunk = HistoryBook(LoadedHistory())
    in_one_chunk.add(chunk[0])
    seen = in_one_chunk.view(Asked(digest="d", shown=100)).content
    assert seen is not None
    assert seen.members == ("n-1",)


async def test_a_replay_of_what_came_before_takes_nothing_back(store: Store) -> None:
    await store.apply([opened(), joined(2, 2), joined(3, 3)])
    await store.apply([opened(), joined(2, 2)])
    assert await slot(store) == ("d", 3, "h")
    await store.apply([closed(4)])
    await store.apply([joined(3, 3), closed(4)])
    assert await slot(store) is None
    assert (await content(store))[0] == 3


@pytest.mark.parametrize("together", [True, False])
async def test_what_closes_leaves_the_next_one_alone(store: Store, *, together: bool) -> None:
    """The one before was full: another has the slot by the time that it closes."""
    chunk = [opened(), opened(2, "next"), closed(3)]
    for part in [chunk] if together else [[each] for each in chunk]:
        await store.apply(part)
    assert await slot(store) == ("next", 1, "h")


async def test_an_open_one_closes_and_another_opens_in_its_place(store: Store) -> None:
    await store.apply([opened(), closed(2), opened(3, "next"), joined(2, 4, "next")])
    assert await slot(store) == ("next", 2, "h")
    assert await content(store) == (1, ["n-1"], [b"1"])


async def test_the_first_that_goes_at_once_is_no_member(store: Store) -> None:
    await store.apply([decided(gathered(DigestChange.OPEN, 0, holder=None), id="n-0")])
    assert await slot(store) == ("d", 0, None)
    assert (await content(store))[0] == 0
    await store.apply([decided(gathered(DigestChange.JOIN, 1), id="n-1", offset=2)])
    assert await slot(store) == ("d", 1, "h")


async def test_the_newest_by_its_own_time_stays(store: Store) -> None:
    def replaced(name: str, at: int, before: str | None = None) -> Decided:
        item = Replaced(rule=Rule.COLLAPSE, slot="k", notification=before)
        return decided(item, id=name, collapse_key="k", event_time=a.NOON + at)

    await store.apply([replaced("n-1", 10)])
    await store.apply([replaced("n-2", 20, "n-1")])
    await store.apply([replaced("n-1", 10)])
    found = (await store.load([Asked(collapse="k")])).newest
    assert found == {"k": Newest(notification="n-2", happened_at=a.NOON + 20, before="n-1")}


async def test_one_that_is_named_finds_who_named_it_and_no_digest_hears_of_it(store: Store) -> None:
    item = Replaced(rule=Rule.COLLAPSE, slot="s", notification="n-1", named=True)
    await store.apply([decided(item, id="n-2", supersedes="e-1")])
    found = (await store.load([Asked(superseded="s")])).newest
    assert {place: (one.notification, one.before) for place, one in found.items()} == {"s": ("n-2", None)}


async def test_of_two_that_happened_at_once_the_later_stays_though_the_other_is_written_again(store: Store) -> None:
    """By a process that lost its partition and did not know yet."""
    key = collapse_id(a.notification(collapse_key="k"), 0)
    item = Replaced(rule=Rule.COLLAPSE, slot=key)
    first = decided(item, id="n-1", collapse_key="k", event_time=a.NOON, offset=1)
    await store.apply([first])
    await store.apply([decided(item, id="n-2", collapse_key="k", event_time=a.NOON, offset=2)])
    await store.apply([first])
    assert (await store.load([Asked(collapse=key)])).newest[key].notification == "n-2"


async def test_nothing_is_there_of_what_nobody_did(store: Store) -> None:
    found = await store.load(
        [Asked(counters=("c",), slots=("s",), collapse="k", digest="d", shown=3, outcomes=a.notification())]
    )
    assert (dict(found.counters), dict(found.digests), dict(found.newest), dict(found.outcomes)) == ({}, {}, {}, {})
    assert found.contents["d"].count == 0


async def test_what_was_taken_out_meanwhile_does_not_count(
    store: Store, implementation: str, request: pytest.FixtureRequest
) -> None:
    """By key, by a newer one about the same, by its own expiry; each alone."""
    terms: list[dict[str, Any]] = [
        {},
        {"cancellation_key": "gone"},
        {"cancellation_key": "kept"},
        {"collapse_key": "k"},
        {"expires_for_good": True, "expires_at": now_ms() - 1000},
        {"expires_for_good": True, "expires_at": now_ms() + a.DAY},
    ]
    joins = [
        decided(
            gathered(DigestChange.JOIN, number),
            id=f"n-{number}",
            data=msgspec.Raw(b"%d" % number),
            offset=number,
            **more,
        )
        for number, more in enumerate(terms, 1)
    ]
    slot = collapse_id(joins[3].notification, 0)
    newer = decided(Replaced(rule=Rule.COLLAPSE, slot=slot), id="newer", collapse_key="k", event_time=a.NOON)
    await store.apply([opened(0), *joins, newer])
    if isinstance(store, MemoryHistories):
        store.cancel_counts["gone"] = 1
    else:
        await Cancellations(request.getfixturevalue("database")).cancel("acme", "gone")
    assert await content(store) == (3, ["n-1", "n-3", "n-6"], [b"1", b"3", b"6"])
    then = gathered(DigestChange.CLOSE, 5, members=("n-1", "n-2", "n-4", "n-5"))
    frozen = (await store.load([Asked(digest="d", shown=100, closed=then)])).contents["d"]
    assert (frozen.count, frozen.members) == (5, then.members), "what was closed before that has what it had"
