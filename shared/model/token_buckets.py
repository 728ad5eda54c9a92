"""Token buckets: how often one client may ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class TokenBucket:
    """`burst` at once, then `rate` per second."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more is allowed at `now` (seconds of a clock that only goes forward)."""
        if self._at is not None:
            self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    @property
    def left(self) -> float:
        """How many are allowed at once, as of when it was asked last."""
        return self._left


class TokenBuckets:
    """A bucket per key, for the `most` keys that asked last."""

    def __init__(self, *, rate: float, burst: float, most: int) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Whether `key` may ask once more at `now` (seconds of a clock that only goes forward)."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(rate=self._rate, burst=self._burst)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take(now)

    def left(self, key: Hashable) -> float:
        """How many `key` may ask at once, as of when it asked last."""
        bucket = self._buckets.get(key)
        return self._burst if bucket is None else bucket.left
