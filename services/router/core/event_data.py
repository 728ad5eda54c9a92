"""The data of an event: what stands at a path, and what the recipients of a workflow may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from shared.model.recipients import names_somebody


class EventData:
    """The data of one event, and what of it names the recipients of its workflows."""

    def __init__(self, raw: bytes, paths: Iterable[str]) -> None:
        """`paths`: where the workflows that the event starts look for their recipients."""
        self._value: object = orjson.loads(raw)
        self._raw = raw
        self._found = {path: self.lookup(path) for path in paths}
        self._seen: dict[tuple[str, ...], bytes] = {}

    def lookup(self, path: str) -> object:
        """The value at a dotted path that starts with `data`; UNSET where there is nothing."""
        value = self._value
        for name in _names(path):
            value = value.get(name, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
        return value

    def named(self, path: str) -> object:
        """What stands at one of the workflows' paths; UNSET where there is nothing."""
        return self._found[path]

    def seen_by(self, own: str) -> bytes:
        """The data for those whom the path `own` names: nobody is told who else was, by this workflow or by another."""
        found = self._found.items()
        hidden = tuple([path for path, value in found if _is_hidden(value, own=path == own)])
        seen = self._seen.get(hidden)
        if seen is None:
            value = self._value
            for path in hidden:
                value = _without(value, _names(path))
            seen = self._seen[hidden] = orjson.dumps(value) if hidden else self._raw
        return seen


@lru_cache(maxsize=4096)
def _names(path: str) -> tuple[str, ...]:
    """The members on the way from `data`; workflows have few paths."""
    return tuple(path.split(".")[1:])


def _is_hidden(found: object, *, own: bool) -> bool:
    """One's own list is, one's own single entry is oneself; of other workflows whatever names people but a bare id.

    A list that names nobody is no list of recipients: a workflow with a wrong path takes nothing from the others.
    """
    if own:
        return isinstance(found, list)
    return isinstance(found, list | dict) and names_somebody(found)


def _without(value: Any, names: Sequence[str]) -> Any:
    """A copy of nested objects without the member that `names` leads to, if it is there."""
    name, *deeper = names
    if not isinstance(value, dict) or name not in value:
        return value
    if not deeper:
        return {key: item for key, item in value.items() if key != name}
    return value | {name: _without(value[name], deeper)}
