"""What happened before, as far as a notification's rules ask: counted, gathered, replaced, sent, read."""

from __future__ import annotations

from collections.abc import Collection
from itertools import compress

import msgspec

from shared.model.profiles import Preferences


class Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A notification that was counted, and when (milliseconds since the epoch)."""

    notification: str
    at: int


class OpenDigest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A digest that still gathers. Times in milliseconds since the epoch."""

    id: str
    opened_at: int
    due: int
    items: int = 0
    """How many it has."""
    holder: str | None = None
    """The notification whose run goes on when it closes; None: it has no item yet, the first went at once."""
    hold: str | None = None
    """The hold of that run: what is brought forward when the digest is full."""


class DigestContent(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What a digest has gathered, the oldest first."""

    numbered: int
    """How many came to it."""
    members: tuple[str, ...]
    """The notifications whose data is shown."""
    data: tuple[msgspec.Raw, ...]
    gone: frozenset[str] = frozenset()
    """Those of them that do not count any more: cancelled, say."""
    wants: dict[str, Preferences | None] = {}
    """Of those that came by a topic and may not go everywhere: what their subscription wants now; None: there is none."""

    @property
    def count(self) -> int:
        """How many it has."""
        return self.numbered - len(self.gone)

    def without(self, those: Collection[str]) -> DigestContent:
        """The same, less these notifications."""
        if not those:
            return self
        left = [member not in those for member in self.members]
        return msgspec.structs.replace(
            self,
            members=tuple(compress(self.members, left)),
            data=tuple(compress(self.data, left)),  # none where a decision is asked again
            gone=self.gone | frozenset(those),
        )


class Newest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest notification of a collapse key; `happened_at` in milliseconds since the epoch."""

    notification: str
    happened_at: int
    before: str | None = None
    """The one that it replaced."""


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What became of an earlier step of the run."""

    sent: bool = False
    failed: bool = False
    """For good, on all of its channels."""
    read: bool = False
    seen: bool = False
    suppressed: bool = False
    had_by: tuple[str, ...] = ()
    """The channels that have sent it, or may still send it."""


class History(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Of one notification, as far as its workflow and its tenant ask for it."""

    counters: dict[str, tuple[Count, ...]] = {}
    """By counter id, those within its time."""
    digests: dict[str, OpenDigest] = {}
    """The open ones, by slot: user, workflow, step and key."""
    content: DigestContent | None = None
    """Of the digest that this record closes."""
    newest: Newest | None = None
    """Of its collapse key."""
    superseded_by: str | None = None
    """The notification that has taken its place, because it named it."""
    outcomes: dict[str, StepOutcome] = {}
    """By step key."""
    online: bool | None = None
    """Whether the user is connected; None: nobody asked."""
