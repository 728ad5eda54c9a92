"""Lives of a user: each deletion ends one, and whoever has the id later inherits nothing of it.

A life is the number of deletions before it. What is decided carries the life it was decided in, and ends as
`user_deleted` when the user's is a later one.
"""

from __future__ import annotations

from typing import Final

import msgspec

CLOCKS_APART_MS: Final = 5_000
"""How much later than a deletion, by another process's clock, something may seem to be accepted that was not."""


class Life(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's current life, as the profile's document holds it."""

    number: int = 0
    since: int = 0
    """When the one before it was ended, in milliseconds since the epoch; 0 for the first."""
    settled: bool = True
    """Whether `decide` has met the record of the deletion: until then, what it reads was written before it."""

    def next(self, now: int) -> Life:
        """The life after a deletion at `now` (milliseconds since the epoch)."""
        return Life(number=self.number + 1, since=now, settled=False)

    def of_new(self, accepted_at: int, announced: int, *, detour: bool) -> int:
        """The life that something newly read belongs to.

        `announced` is the latest life whose record stands before it in the same chunk. The order of the log tells,
        whatever the clocks say; the time of acceptance tells of what reached the log on a detour (an event, a page of a
        list, the outbox), and in doubt it was accepted before.
        """
        until = self.since + CLOCKS_APART_MS if detour else self.since
        before = not self.settled and announced < self.number
        return self.number - 1 if self.number and (before or accepted_at <= until) else self.number
