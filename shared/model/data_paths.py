"""What stands at a path of an event's data: `data.order.id`, or `data.members[*].id` for each of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from shared.model.conditions import Lookup
from shared.model.strict_json import escape

EACH: Final = "[*]"
"""In names of a path: every entry of the list that stands there."""


@lru_cache(maxsize=4096)
def names_of(path: str) -> tuple[str, ...]:
    """The members on the way from `data`; workflows have few paths."""
    return tuple(path.split(".")[1:])


@lru_cache(maxsize=4096)
def names_of_each(path: str) -> tuple[str, ...]:
    """The same of a path in which `[*]` stands for each entry of a list, as a name of its own."""
    names: list[str] = []
    for name in names_of(path):
        names += [name.removesuffix(EACH), EACH] if name.endswith(EACH) else [name]
    return tuple(names)


def value_at(data: object, path: str) -> object:
    """The value at a dotted path that starts with `data`; UNSET where there is nothing."""
    value = data
    for name in names_of(path):
        value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
    return value


def each_at(data: object, names: Sequence[str], pointer: str) -> Iterator[tuple[str, object]]:
    """Every end of a path with `[*]`, with its JSON pointer below `pointer`; UNSET where one is missing."""
    value = data
    for position, name in enumerate(names):
        if name == EACH:
            if isinstance(value, list):
                for number, item in enumerate(value):
                    yield from each_at(item, names[position + 1 :], f"{pointer}/{number}")
            else:
                yield pointer, msgspec.UNSET
            return
        value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
        pointer = f"{pointer}/{escape(name)}"
    yield pointer, value


def event_lookup(data: object, attributes: Mapping[str, str]) -> Lookup:
    """What a workflow's `when` asks about: the data, and the attributes of its event as `event.source`."""

    def look_up(path: str) -> object:
        root, _, name = path.partition(".")
        if root == "event":
            return attributes.get(name, msgspec.UNSET)
        return value_at(data, path) if root == "data" else msgspec.UNSET

    return look_up
