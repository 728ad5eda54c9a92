"""The data of an event: what stands at a path, and what the recipients of a workflow may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import orjson

from shared.model.data_paths import EACH, each_at, names_of, names_of_each, value_at
from shared.model.recipients import names_somebody
from shared.model.strict_json import escape


class EntryPlaces(NamedTuple):
    """Where the entries of a path with `[*]` stand."""

    pointers: tuple[str, ...]
    """Of each that was found, in order."""
    missing: tuple[str, ...]
    """Of those that have nothing at its end."""


class EventData:
    """The data of one event, and what of it names the recipients of its workflows."""

    def __init__(self, raw: bytes, paths: Iterable[str]) -> None:
        """`paths`: where the workflows that the event starts look for their recipients."""
        self.value: object = orjson.loads(raw)
        self._raw = raw
        self._places: dict[str, EntryPlaces] = {}
        self._found = {path: self._named(path) if EACH in path else value_at(self.value, path) for path in paths}
        self._seen: dict[tuple[str, ...], bytes] = {}

    def lookup(self, path: str) -> object:
        """The value at a dotted path that starts with `data`; UNSET where there is nothing."""
        return value_at(self.value, path)

    def named(self, path: str) -> object:
        """What stands at one of the workflows' paths; UNSET where there is nothing."""
        return self._found[path]

    def places(self, path: str) -> EntryPlaces | None:
        """Of such a path with `[*]` that leads to a list: where its entries stand."""
        return self._places.get(path)

    def seen_by(self, own: str) -> bytes:
        """The data for those whom the path `own` names: nobody is told who else was, by this workflow or by another."""
        found = self._found.items()
        hidden = tuple([path for path, value in found if _is_hidden(value, own=path == own)])
        seen = self._seen.get(hidden)
        if seen is None:
            value = self.value
            for path in hidden:
                value = _without(value, _list_of(path))
            seen = self._seen[hidden] = orjson.dumps(value) if hidden else self._raw
        return seen

    def _named(self, path: str) -> object:
        first = value_at(self.value, path.partition(EACH)[0])
        if not isinstance(first, list):
            return None if first is None else msgspec.UNSET
        values: list[object] = []
        pointers: list[str] = []
        missing: list[str] = []
        for pointer, value in each_at(self.value, names_of_each(path), "/data"):
            if value is msgspec.UNSET:
                missing.append(pointer)
            elif isinstance(value, list):
                values += value
                pointers += [f"{pointer}/{number}" for number in range(len(value))]
            else:
                values.append(value)
                pointers.append(pointer)
        self._places[path] = EntryPlaces(tuple(pointers), tuple(missing))
        return values


@lru_cache(maxsize=4096)
def pointer_of(path: str) -> str:
    """The JSON pointer of a path, up to its first `[*]`."""
    return "".join(f"/{escape(name)}" for name in ("data", *_list_of(path))) if path else ""


@lru_cache(maxsize=4096)
def _list_of(path: str) -> tuple[str, ...]:
    """The names up to the list that holds the recipients: of a path with `[*]`, the outermost one."""
    return names_of(path.partition(EACH)[0])


def _is_hidden(found: object, *, own: bool) -> bool:
    """One's own list is, one's own single entry is oneself; of other workflows whatever names people but a bare id.

    A list that names nobody is no list of recipients: a workflow with a wrong path takes nothing from the others.
    """
    if own:
        return isinstance(found, list)
    return isinstance(found, list | dict) and names_somebody(found)


def _without(value: object, names: Sequence[str]) -> object:
    """A copy of nested objects without the member that `names` leads to, if it is there."""
    name, *deeper = names
    if not isinstance(value, dict) or name not in value:
        return value
    if not deeper:
        return {key: item for key, item in value.items() if key != name}
    return value | {name: _without(value[name], deeper)}
