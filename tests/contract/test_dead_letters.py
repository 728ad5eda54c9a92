"""Dead letters and redrives of many: pages, groups, and each step a compare-and-set that may be repeated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.console.core.paging import PagePlace
from services.console.letters.changes import DeadLetterChanges
from services.console.letters.core.jobs import JobCounts, JobState, RedriveJob
from services.console.letters.core.letter_filter import LetterFilter, WantedState
from services.console.letters.core.letter_row import DeadLetterRow, StoredRedrive
from services.console.letters.core.redriving import redrive_of
from services.console.letters.job_rows import RedriveJobs
from services.console.letters.store import DeadLetters
from shared.model.dead_letters import DeadLetterState
from shared.model.timestamps import to_datetime
from tests.support import samples as a
from tests.support.letters import dead_letter_row
from tests.support.twins.dead_letters import MemoryDeadLetters, MemoryJobs

ALL = LetterFilter()
OPEN, ANY = WantedState.OPEN, WantedState.ANY


class RealDeadLetters(DeadLetters, DeadLetterChanges):
    """Both halves on one collection, as the twin has them."""


@pytest.fixture
def letters(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryDeadLetters() if implementation == "twin" else RealDeadLetters(request.getfixturevalue("database"))


@pytest.fixture
def jobs(implementation: str, request: pytest.FixtureRequest) -> Any:
    return MemoryJobs() if implementation == "twin" else RedriveJobs(request.getfixturevalue("database"))


def redrive(row: DeadLetterRow, **more: Any) -> StoredRedrive:
    return redrive_of(row, **{"by": "key", "at": a.NOON, "forced": False, **more})


def job(**changes: Any) -> RedriveJob:
    known: dict[str, Any] = {
        "id": "j", "tenant": "acme", "by": "key", "filter": ALL, "forced": False, "per_second": 10,
        "state": JobState.RUNNING, "wanted": 3, "started_at": a.NOON + 1000,
    }  # fmt: skip
    return RedriveJob(**(known | changes))


async def of_page(letters: Any, wanted: LetterFilter = ALL, state: WantedState = OPEN, **more: Any) -> list[str]:
    found = await letters.page("acme", wanted, state, **{"after": None, "most": 10, **more})
    return [row["code"] for row in found]


async def state_of(letters: Any, row: DeadLetterRow) -> str:
    return (await letters.find("acme", row["_id"]))["state"]


async def test_a_replay_is_not_new_and_changes_nothing(letters: Any) -> None:
    row = dead_letter_row(1)
    assert await letters.insert([row, dead_letter_row(2)]) == 2
    await letters.begin({row["_id"]: redrive(row)})
    assert await letters.insert([row, dead_letter_row(3)]) == 1
    assert await state_of(letters, row) == DeadLetterState.REDRIVING
    assert (await letters.find("acme", row["_id"]))["value"] == row["value"]
    assert await letters.find("other", row["_id"]) is None


async def test_pages_follow_one_another_without_contents(letters: Any) -> None:
    rows = [dead_letter_row(number, at=a.NOON + number // 2) for number in range(5)]
    await letters.insert(rows)
    seen: list[str] = []
    after: PagePlace | None = None
    while found := await letters.page("acme", ALL, OPEN, after=after, most=2):
        assert all("value" not in row and "headers" not in row for row in found)
        seen += [row["code"] for row in found]
        after = PagePlace(found[-1]["at"], found[-1]["_id"])
    assert sorted(seen) == [f"c{number}" for number in range(5)]
    assert seen[0] == "c4"
    assert await letters.page("other", ALL, ANY, after=None, most=9) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"code": "c1"}, ["c1"]),
        ({"channel": "sms"}, []),
        ({"reason": "rejected", "user": "ada", "workflow": "order.shipped"}, ["c2", "c1", "c0"]),
        ({"since": "2026-01-05T12:00:00.001Z"}, ["c2", "c1"]),
        ({"until": "2026-01-05T12:00:00.001Z"}, ["c0"]),
    ],
)
async def test_all_that_is_wanted_must_hold(letters: Any, wanted: dict[str, str], found: list[str]) -> None:
    await letters.insert([dead_letter_row(number, at=a.NOON + number) for number in range(3)])
    assert await of_page(letters, LetterFilter(**wanted)) == found


async def test_groups_count_what_failed_alike(letters: Any) -> None:
    rows = [dead_letter_row(number, at=a.NOON + number, code=code) for number, code in enumerate("bab")]
    await letters.insert(rows)
    found = await letters.groups("acme", ALL, OPEN)
    assert found.complete
    assert [(one.code, one.count, one.oldest, one.newest) for one in found.groups] == [
        ("b", 2, "2026-01-05T12:00:00.000Z", "2026-01-05T12:00:00.002Z"),
        ("a", 1, "2026-01-05T12:00:00.001Z", "2026-01-05T12:00:00.001Z"),
    ]
    assert found.groups[0].next_step
    await letters.discard("acme", rows[1]["_id"], "key")
    assert [one.code for one in (await letters.groups("acme", ALL, OPEN)).groups] == ["b"]


async def test_only_one_of_two_begins_and_it_is_finished_once(letters: Any) -> None:
    row = dead_letter_row(1)
    await letters.insert([row])
    await letters.begin({row["_id"]: redrive(row, by="first")})
    await letters.begin({row["_id"]: redrive(row, by="second")})
    (begun,) = await letters.redriving(10)
    assert (begun["redrive"]["by"], begun["redrive"]["generation"], begun["value"]) == ("first", 1, row["value"])
    await letters.finish([begun])
    await letters.finish([begun])
    assert await state_of(letters, row) == DeadLetterState.REDRIVEN
    assert await letters.redriving(10) == []
    assert await of_page(letters) == []
    assert await of_page(letters, state=WantedState.REDRIVEN) == ["c1"]


async def test_one_that_sent_nothing_begins_again_one_generation_on(letters: Any) -> None:
    row = dead_letter_row(1)
    await letters.insert([row])
    await letters.begin({row["_id"]: redrive(row)})
    (first,) = await letters.redriving(10)
    await letters.finish([first])
    later: StoredRedrive = {**redrive(row), "generation": 2}
    await letters.begin_again(row["_id"], 7, later)
    assert await letters.redriving(10) == []
    await letters.begin_again(row["_id"], 1, later)
    await letters.begin_again(row["_id"], 1, {**later, "generation": 3})
    await letters.finish([first])
    (second,) = await letters.redriving(10)
    assert second["redrive"]["generation"] == 2, "what is told late of the first ends nothing"


async def test_what_is_discarded_is_not_begun_and_what_is_begun_not_discarded(letters: Any) -> None:
    gone, begun = dead_letter_row(1), dead_letter_row(2)
    await letters.insert([gone, begun])
    await letters.discard("other", gone["_id"], "key")
    assert await state_of(letters, gone) == DeadLetterState.OPEN
    await letters.discard("acme", gone["_id"], "key")
    await letters.begin({row["_id"]: redrive(row) for row in (gone, begun)})
    await letters.discard("acme", begun["_id"], "key")
    assert [await state_of(letters, row) for row in (gone, begun)] == ["discarded", "redriving"]


async def test_what_a_newer_version_wrote_is_left_to_one(letters: Any) -> None:
    row = dead_letter_row(1, format=a.NEWER)
    await letters.insert([row])
    await letters.begin({row["_id"]: redrive(row)})
    assert await letters.redriving(10) == []


async def test_a_job_looks_at_open_letters_of_before_it_the_oldest_first_and_at_its_own(letters: Any) -> None:
    rows = [dead_letter_row(number, at=a.NOON + number) for number in range(5)]
    late = dead_letter_row(9, now=a.NOON + 2000)
    await letters.insert([*rows, late])
    await letters.begin({rows[0]["_id"]: redrive(rows[0], job="j"), rows[1]["_id"]: redrive(rows[1], job="k")})
    seen = [[row["code"] for row in await letters.page_of(job())]]
    place = PagePlace(to_datetime(a.NOON + 2), rows[2]["_id"])
    seen.append([row["code"] for row in await letters.page_of(job(place=place, per_second=100))])
    assert seen == [["c0", "c2"], ["c3", "c4"]]


async def test_a_job_is_carried_on_by_one_and_ends(jobs: Any) -> None:
    await jobs.insert(job())
    place = PagePlace(to_datetime(a.NOON), "x")
    counts = JobCounts(redriven=2, expired=1)
    assert await jobs.advance(job(), place, counts)
    assert not await jobs.advance(job(), place, counts), "who comes late from the same place"
    (found,) = await jobs.running(9)
    assert found == msgspec.structs.replace(job(), place=place, counts=counts)
    await jobs.end(job())
    assert (await jobs.find("acme", "j")).state is JobState.RUNNING
    await jobs.end(found)
    ended = await jobs.find("acme", "j")
    assert (ended.state, ended.counts, ended.ended_at is None) == (JobState.DONE, counts, False)
    assert await jobs.running(9) == []
    assert (await jobs.cancel("acme", "j")).state is JobState.DONE
    assert await jobs.find("other", "j") is None


async def test_a_cancelled_job_goes_no_further(jobs: Any) -> None:
    await jobs.insert(job())
    assert (await jobs.cancel("acme", "j")).state is JobState.CANCELLED
    assert not await jobs.advance(job(), PagePlace(to_datetime(a.NOON), "x"), JobCounts(redriven=1))
