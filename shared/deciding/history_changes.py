"""What a decision adds to what happened before: derived from its items, so that a replay adds the same again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from shared.deciding.history import Newest, OpenDigest
from shared.deciding.items import Counted, DigestChange, Gathered, HoldUntil, Replaced, RoutingItem
from shared.model.notifications import Notification
from shared.model.outputs import Coordinates
from shared.model.profiles import Preferences


class NewCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A notification that a throttle or a cap counts. `at` in milliseconds since the epoch, for `seconds`."""

    counter: str
    notification: str
    at: int
    seconds: int
    most: int
    """So many may count at once."""


class NewMember(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A notification that a digest has, as its `number`th."""

    digest: str
    notification: str
    number: int
    data: bytes
    about: Notification
    """What may take it out again: its cancellation and collapse keys, its topic, its own expiry."""
    wants: Preferences | None = None
    """What its subscription says of its topic, if it came by one; None: there is none."""


class NewDigest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What stands in a slot now; None where its digest has closed."""

    slot: str
    digest: str
    open: OpenDigest | None


class NewNewest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest of a collapse key now."""

    slot: str
    newest: Newest


class RunState(StrEnum):
    """Whether a run goes on."""

    WAITING = "waiting"
    ENDED = "ended"


class NewRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a run stands now."""

    notification: str
    workflow: str
    version: int
    state: RunState
    step: str | None = None
    due: int | None = None


HistoryChange = NewCount | NewMember | NewDigest | NewNewest | NewRun


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as far as it changes what later ones look at."""

    notification: Notification
    items: Sequence[RoutingItem]
    at: int
    coordinates: Coordinates
    generation: int
    pass_: int
    hold: str
    """The id that a hold of the run made by it has, where it waits for a digest."""
    is_run: bool
    """It moved the run of a workflow with more than one step."""
    wants: Preferences | None = None
    """What the subscription to its topic says; None: there is none."""

    def changes(self) -> Iterator[HistoryChange]:
        """In the order of its items."""
        about = self.notification
        for item in self.items:
            if isinstance(item, Counted):
                yield NewCount(
                    counter=item.counter, notification=about.id, at=self.at, seconds=item.seconds, most=item.most
                )
            elif isinstance(item, Gathered):
                yield from self._gathered(item)
            elif isinstance(item, Replaced):
                before = None if item.named else item.notification  # a digest that has that one keeps it
                newest = Newest(notification=about.id, happened_at=about.happened_at, before=before)
                yield NewNewest(slot=item.slot, newest=newest)
        if self.is_run:
            yield self._run()

    def _gathered(self, item: Gathered) -> Iterator[HistoryChange]:
        if item.change is DigestChange.CLOSE:
            yield NewDigest(slot=item.slot, digest=item.digest, open=None)
            return
        mine = item.holder == self.notification.id
        open_ = OpenDigest(
            id=item.digest,
            opened_at=item.opened_at,
            due=item.due,
            items=item.items,
            holder=item.holder,
            hold=self.hold if mine else None,
        )
        yield NewDigest(slot=item.slot, digest=item.digest, open=open_)
        if item.items and item.change is not DigestChange.SLIDE:
            about = self.notification
            data = bytes(about.data)
            yield NewMember(
                digest=item.digest, notification=about.id, number=item.items, data=data, about=about, wants=self.wants
            )

    def _run(self) -> NewRun:
        about = self.notification
        waits = [item for item in self.items if isinstance(item, HoldUntil) and item.channel is None]
        return NewRun(
            notification=about.id,
            workflow=about.workflow,
            version=about.version,
            state=RunState.WAITING if waits else RunState.ENDED,
            step=waits[-1].step if waits else None,
            due=waits[-1].due if waits else None,
        )
