"""What templates are read into, kept within a bound in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
OVERHEAD: Final = 512
"""What even a short one costs."""


class CachedByBytes(Generic[K, V]):
    """The values of a function, those used last; what all of them weigh is bounded.

    What alone weighs more than the whole bound is made anew each time.
    """

    def __init__(self, make: Callable[[K], V], weigh: Callable[[K], int], *, max_bytes: int) -> None:
        """`weigh(key)`: the bytes that key and value take, about."""
        self._make, self._weigh, self._max = make, weigh, max_bytes
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __call__(self, key: K) -> V:
        """The value, made if it is not kept. Raises what making raises."""
        if (found := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return found[0]
        value, weight = self._make(key), self._weigh(key) + OVERHEAD
        if weight <= self._max:
            self._kept[key] = value, weight
            self.bytes += weight
            while self.bytes > self._max:
                _, (_, freed) = self._kept.popitem(last=False)
                self.bytes -= freed
        return value
