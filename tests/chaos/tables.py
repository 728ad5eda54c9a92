"""The evidence of a run as plain tables: what was accepted, what was said of it, what arrived where.

An owner is `tenant:user#life`: a deleted user and whoever has the id later are two owners.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.model.channels import Channel

EVERYWHERE = frozenset(Channel)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One notification that was accepted, and what has to hold for it."""

    owner: str
    mark: str = ""
    """What its contents name, and those of no other."""
    not_before: int = 0
    """Earliest permitted time (ms)."""
    quiet_until: int = 0
    """The same, of e-mail alone."""
    asked: float = 0.0
    """When the request was sent first."""
    answered: float | None = None
    """When it stood in its user's partition; None: it got there on a detour, nobody knows when."""
    refused: frozenset[Channel] = frozenset()
    """Channels that its user had opted out of before, or all: it was cancelled."""
    erased: bool = False
    """Its owner was deleted, and the inbox with it."""
    gathers: bool = False
    """It comes in a digest, with others of its owner."""
    throttle: str = ""
    """Of which throttle: all of the same name share it. Empty: of none."""
    first: bool = False
    """It takes one channel: the first that works."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """One record of `statuses.v1`."""

    id: str
    type: str
    subject: str
    data: dict[str, Any]

    @property
    def place(self) -> tuple[str, int]:
        return self.subject, self.data["pass"]

    @property
    def state(self) -> str:
        return self.type.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One message, call or inbox row."""

    channel: Channel
    delivery: str
    """Empty: its provider has no field for that."""
    owner: str
    """Whose address or inbox it is; the address where it is nobody's."""
    marks: frozenset[str]
    """What its contents name."""
    at: int
    """When it arrived (ms), by the clock of whoever received it."""
    offset: int = -1
    """Of an inbox row."""
    named: int = 0
    """How often a mail's text names a mark."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One item that a client was sent over its sockets."""

    client: str
    owner: str
    """Who the client is: `tenant:user`."""
    notification: str
    marks: frozenset[str]
    offset: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a run left behind. Frames are in the order in which each client got them."""

    statuses: list[Status] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    clients: frozenset[str] = frozenset()
    """`tenant:user` of everyone who was connected from the beginning, losses of connections aside."""


def user_of(owner: str) -> str:
    """`tenant:user` of an owner."""
    return owner.partition("#")[0]
