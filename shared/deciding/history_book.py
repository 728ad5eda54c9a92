"""What happened before, for the notifications of one chunk: as it was read, and with what the chunk itself adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from shared.deciding.asked import Asked
from shared.deciding.digest_content import ShownBytes, is_bound
from shared.deciding.history import Count, DigestContent, History, Newest, OpenDigest, StepOutcome
from shared.deciding.history_changes import Decided, NewCount, NewDigest, NewMember, NewNewest
from shared.model.preferences import NOTHING_SET


class LoadedHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What was read for a chunk, by the ids that were asked for."""

    counters: Mapping[str, tuple[Count, ...]] = {}
    digests: Mapping[str, OpenDigest] = {}
    contents: Mapping[str, DigestContent] = {}
    newest: Mapping[str, Newest] = {}
    outcomes: Mapping[str, Mapping[str, StepOutcome]] = {}
    online: frozenset[str] = frozenset()


class HistoryBook:
    """The chunk is decided in its order; each decision sees those before it."""

    def __init__(self, loaded: LoadedHistory) -> None:
        self._loaded = loaded
        self._counters = dict(loaded.counters)
        self._digests: dict[str, OpenDigest | None] = dict(loaded.digests)
        self._newest = dict(loaded.newest)
        self._members: dict[str, dict[str, NewMember]] = defaultdict(dict)
        self._replaced: set[str] = set()

    def view(self, asked: Asked) -> History:
        """What one notification's rules look at."""
        open_ = {slot: digest for slot in asked.slots if (digest := self._digests.get(slot)) is not None}
        return History(
            counters={counter: self._counters.get(counter, ()) for counter in asked.counters},
            digests=open_,
            content=self._content(asked.digest, asked) if asked.digest is not None else None,
            newest=self._newest.get(asked.collapse) if asked.collapse is not None else None,
            superseded_by=self._successor(asked.superseded),
            outcomes=dict(self._loaded.outcomes.get(asked.outcomes.id, {})) if asked.outcomes is not None else {},
            online=asked.online in self._loaded.online if asked.online is not None else None,
        )

    def _successor(self, slot: str | None) -> str | None:
        newer = self._newest.get(slot) if slot is not None else None
        return newer.notification if newer is not None else None

    def add(self, decided: Decided) -> None:
        """What the next ones see."""
        for change in decided.changes():
            if isinstance(change, NewCount):
                known = self._counters.get(change.counter, ())
                if all(count.notification != change.notification for count in known):
                    new = Count(notification=change.notification, at=change.at)
                    self._counters[change.counter] = (*known, new)
            elif isinstance(change, NewMember):
                self._members[change.digest][change.notification] = change
            elif isinstance(change, NewNewest):
                self._newest[change.slot] = change.newest
                if change.newest.before is not None:
                    self._replaced.add(change.newest.before)
            elif isinstance(change, NewDigest):
                self._put(change)

    def _put(self, change: NewDigest) -> None:
        """What closes frees its slot, unless another digest has it by now. The hold is known from who holds it."""
        before = self._digests.get(change.slot)
        if change.open is None:
            if before is not None and before.id == change.digest:
                self._digests[change.slot] = None
            return
        hold = change.open.hold or (before.hold if before is not None and before.id == change.digest else None)
        self._digests[change.slot] = msgspec.structs.replace(change.open, hold=hold)

    def _content(self, digest: str, asked: Asked) -> DigestContent:
        stored = self._loaded.contents.get(digest) or DigestContent(numbered=0, members=(), data=())
        more = [
            member
            for member in sorted(self._members[digest].values(), key=_number)
            if member.notification not in stored.members and member.notification not in stored.gone
        ]
        data = dict(zip(stored.members, stored.data, strict=True))
        if asked.closed is not None:
            frozen = data | {one.notification: msgspec.Raw(one.data) for one in more}
            data = {member: frozen[member] for member in asked.closed.members if member in frozen}
            return DigestContent(numbered=asked.closed.items, members=tuple(data), data=tuple(data.values()))
        gone = stored.gone | self._replaced & {*data, *self._members[digest]}
        data = {member: each for member, each in data.items() if member not in gone}
        joined = {one.notification: one.wants for one in more if one.about.topic is not None and is_bound(one.wants)}
        wants = stored.wants | joined
        room = ShownBytes()
        for member, each in data.items():
            room.take(each, wants.get(member, NOTHING_SET))
        for one in more:
            if one.notification in gone or (data and len(data) >= asked.shown):
                continue
            if room.take(one.data, wants.get(one.notification, NOTHING_SET)):
                data[one.notification] = msgspec.Raw(one.data)
        numbered = max([stored.numbered, *(one.number for one in more)])  # from 1
        return DigestContent(numbered=numbered, members=tuple(data), data=tuple(data.values()), gone=gone, wants=wants)


def _number(member: NewMember) -> int:
    return member.number
