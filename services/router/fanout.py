"""Carrying out pages of fan-outs: take the page, read its members, write their records, and only then the next page's.

One record of each fan-out is under way. The next one is written when all of a page is on the log, so a record that finds
its page taken by itself repeats it, and one that finds it further has nothing left to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from services.router.members import MemberReader
from shared.kafka.dead_letters import refuse
from shared.model.dead_letters import UnreadableRecord
from shared.model.errors import InvalidRecord
from shared.model.fanouts import (
    FanoutPage,
    FanoutState,
    MemberPage,
    StartedFanout,
    TakenPage,
    decode_page,
    end_output,
    page_output,
    page_outputs,
)
from shared.model.formats import NewerFormat
from shared.model.output_slices import in_slices
from shared.model.outputs import Coordinates, KafkaRecord, Output
from shared.model.ports import RecordWriter
from shared.model.topics import Topics
from shared.process.clock import now_ms
from shared.process.failpoints import Failpoint, failpoint
from shared.process.metrics import FANOUT_PAGES, FANOUT_RECIPIENTS


class FanoutStore(Protocol):
    """Where fan-outs are kept. All methods raise MongoUnavailable; then the same call may be repeated."""

    async def insert(self, fanouts: Sequence[StartedFanout], /) -> None:
        """Stores what is started; one that is there already stays as it is."""
        ...

    async def take(self, page: FanoutPage, at: Coordinates, /) -> TakenPage | None:
        """The page, if the record that stands at `at` is the one that counts; None: it is a duplicate, or all is gone.

        The same record may take its page again. Raises NewerFormat.
        """
        ...

    async def end(self, page: FanoutPage, /) -> FanoutState:
        """The last page is done, with what `page` counts; how it ended: it may have been cancelled meanwhile."""
        ...


class PreparedPage(NamedTuple):
    """A page and those who are on it."""

    taken: TakenPage
    members: MemberPage

    @property
    def after(self) -> FanoutPage:
        """The record of the next page, with what is counted by then; on the last page its numbers alone count."""
        page, members = self.taken.page, self.members
        actor = self.taken.fanout.template.actor
        met = sum(member.user != actor for member in members.members)
        return msgspec.structs.replace(
            page,
            page=page.page + 1,
            cursor=members.cursor or "",
            recipients=page.recipients + met,
            skipped=page.skipped + members.skipped,
        )


class PreparedPages(NamedTuple):
    """What a chunk of records came to."""

    pages: list[PreparedPage]
    dead_letters: list[Output]


class FanoutWork:
    """Carries out pages; small chunks, for all members of a chunk are in memory."""

    def __init__(
        self,
        *,
        fanouts: FanoutStore,
        members: MemberReader,
        publisher: RecordWriter,
        topics: Topics,
        turn: Callable[[], Awaitable[None]],
    ) -> None:
        """`turn` returns when others leave room for a page."""
        self._fanouts = fanouts
        self._members = members
        self._publisher = publisher
        self._topics = topics
        self._turn = turn

    async def prepare(self, chunk: Sequence[KafkaRecord]) -> PreparedPages:
        """Takes the pages of a chunk and reads their members.

        Raises MongoUnavailable: call again. NewerFormat: call again without what waits.
        """
        unreadable: list[UnreadableRecord] = []
        found: list[PreparedPage] = []
        for record in chunk:
            try:
                page = decode_page(record.value, record.fault)
                taken = await self._fanouts.take(page, record.coordinates)
                if taken is not None:
                    failpoint(Failpoint.AFTER_PAGE)
                    found.append(PreparedPage(taken, await self._read(taken)))
            except InvalidRecord as error:
                unreadable.append(UnreadableRecord(record, error))
            except NewerFormat as newer:
                raise newer.of(record.coordinates) from None
        return PreparedPages(found, refuse(self._topics.events_dlq, unreadable, group=self._topics.group("router")))

    async def _read(self, taken: TakenPage) -> MemberPage:
        if taken.cancelled:
            return MemberPage((), 0, None)
        await self._turn()
        return await self._members.page(taken)

    async def finish(self, prepared: PreparedPages) -> None:
        """Writes the records of all members, waits for them, then writes what follows.

        Raises KafkaUnavailable or MongoUnavailable: call again.
        """
        for each in in_slices(self._records(prepared.pages)):
            await self._publisher.publish(each)
            del each  # before the next one is made
        failpoint(Failpoint.AFTER_PRODUCE)
        following = [await self._following(page) for page in prepared.pages]
        await self._publisher.publish(following + prepared.dead_letters)
        for page in prepared.pages:
            FANOUT_PAGES.inc()
            FANOUT_RECIPIENTS.inc(len(page.members.members))

    def _records(self, pages: Sequence[PreparedPage]) -> Iterator[Output]:
        for taken, members in pages:
            yield from page_outputs(self._topics, taken.fanout, members.members)

    async def _following(self, page: PreparedPage) -> Output:
        """The next page's record, or the status of the end."""
        taken, after = page.taken, page.after
        if not taken.cancelled and page.members.cursor is not None:
            return page_output(self._topics, after)
        if taken.cancelled:
            read = taken.page.page - 1
            return self._ended(taken, FanoutState.CANCELLED, msgspec.structs.replace(taken.page, page=read))
        counted = msgspec.structs.replace(after, page=taken.page.page)
        return self._ended(taken, await self._fanouts.end(counted), counted)

    def _ended(self, taken: TakenPage, state: FanoutState, counted: FanoutPage) -> Output:
        return end_output(self._topics, taken.fanout, state, counted, now_ms())
