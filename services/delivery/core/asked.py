"""Whom a delivery has asked, and how long they took over it: what we wait for ourselves, a database say, is not their slowness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.model.attempts import Attempt


@dataclass(slots=True, eq=False)
class AskedAccounts:
    """Of one delivery in flight. Seconds of a clock that only goes forward."""

    log: list[Attempt] = field(default_factory=list)
    """The accounts that have answered, or been given up."""
    since: float | None = None
    """Since when one is asked; None: none is."""
    seconds: float = 0.0
    """How long all took together."""

    @contextmanager
    def one(self, clock: Callable[[], float]) -> Iterator[None]:
        """While an account is asked."""
        self.since = began = clock()
        try:
            yield
        finally:
            self.since = None
            self.seconds += clock() - began

    def lasts(self, now: float) -> float:
        """For how long one has been asked by `now`."""
        return 0.0 if self.since is None else now - self.since
