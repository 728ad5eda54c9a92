"""Which workflows an event type starts: by its exact type, and by the prefixes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Generic, TypeVar

from shared.model.event_types import ANY_BELOW, starting_types

T = TypeVar("T")


class StartedByType(Generic[T]):
    """What is kept for each workflow that an event type starts; of a tenant without prefixes, one look-up finds it."""

    def __init__(self) -> None:
        self._by_type: dict[tuple[str, str], dict[str, T]] = {}
        """By tenant and what `on` says, then by key."""
        self._prefixes: Counter[str] = Counter()
        """By tenant; none that is 0."""

    def find(self, tenant: str, event_type: str) -> dict[str, T]:
        """By the workflows' keys. Not to be changed."""
        if tenant not in self._prefixes:
            return self._by_type.get((tenant, event_type), {})
        found: dict[str, T] = {}
        for each in starting_types(event_type):
            found |= self._by_type.get((tenant, each), {})
        return found

    def add(self, tenant: str, key: str, types: Iterable[str], value: T) -> None:
        """The workflow is started by these types, exact or with `.*`; `remove` it before it is added again."""
        for each in dict.fromkeys(types):
            self._by_type.setdefault((tenant, each), {})[key] = value
            if each.endswith(ANY_BELOW):
                self._prefixes[tenant] += 1

    def remove(self, tenant: str, key: str, types: Iterable[str]) -> None:
        """What `add` was told of it."""
        for each in dict.fromkeys(types):
            keyed = self._by_type[tenant, each]
            del keyed[key]
            if not keyed:
                del self._by_type[tenant, each]
            if each.endswith(ANY_BELOW):
                self._prefixes[tenant] -= 1
                if not self._prefixes[tenant]:
                    del self._prefixes[tenant]
