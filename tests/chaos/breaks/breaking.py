"""Ways to break the product: each changes one class or function of it, in the memory of one service."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from tests.chaos.breaks.scenes import CALM, Scene

ROOMS: Final = ("router", "deciding", "scheduler", "delivery", "in_app", "gateway", "ingest")
"""Modules of this folder."""


@dataclass(frozen=True, kw_only=True)
class Break:
    """One thing that the product does wrong, and what the verdict has to say of it."""

    name: str
    """What the product does then, in words."""
    apply: Callable[[], None]
    services: tuple[str, ...]
    """Those that are broken."""
    shows: frozenset[str]
    """Kinds of faults: one of them at least."""
    scene: Scene = CALM
    """In which it matters."""

    @property
    def full_name(self) -> str:
        """`room/name`, by which a process finds it."""
        return f"{self.apply.__module__.rpartition('.')[2]}/{self.name}"


_replaced: Final[list[tuple[Any, str, object]]] = []


def replace(owner: Any, name: str, new: object) -> None:
    """Puts `new` in the place of what a module or class has. Raises AttributeError where it has nothing of this name."""
    before = vars(owner)[name] if name in vars(owner) else getattr(owner, name)
    _replaced.append((owner, name, before))
    setattr(owner, name, new)


def mend() -> list[str]:
    """Puts back all that was replaced in this process; says what it was."""
    mended = []
    while _replaced:
        owner, name, before = _replaced.pop()
        setattr(owner, name, before)
        mended.append(f"{owner.__name__}.{name}")
    return mended


def breaks_of(room: str) -> tuple[Break, ...]:
    """In the order of their table."""
    found: tuple[Break, ...] = import_module(f"tests.chaos.breaks.{room}").BREAKS
    return found


def apply(full_names: Iterable[str]) -> None:
    """Breaks this process. Raises LookupError for what is in no table."""
    for full_name in full_names:
        room, _, name = full_name.partition("/")
        known = {one.name: one.apply for one in breaks_of(room)}
        known[name]()
