"""The messages of `bench-gateway`: one item of some 380 bytes, with places for its number, its user and a stamp.

Every peer is given the item as it stands in the product's inbox event, so all of them send the same bytes but for
their own envelope. Numbers rise by one for each message of a user; EVERYONE's are the same for all.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from shared.model.topics import PARTITIONS

NUMBER: Final = "N" * 10
USER: Final = "U" * 6
STAMP: Final = "S" * 16
"""Microseconds of the monotonic clock at which the message was due; 0: nobody measures."""
ITEM: Final = (
    f'{{"id":"0193f0a2-{NUMBER}-{USER}","workflow":"bench.shipped","offset":1{NUMBER},"created_at":1764000000000,'
    '"title":"Your order A-17 has shipped","body":"It left Rotterdam this morning, and is with you tomorrow.",'
    f'"data":{{"n":"{NUMBER}","u":"{USER}","stamp":"{STAMP}","order":"A-17","carrier":"DHL","city":"Rotterdam",'
    '"url":"https://example.com/orders/A-17/track?source=notification"}}'
)
_OFFSET: Final = slice(ITEM.index('"offset":') + len('"offset":'), ITEM.index(',"created_at"'))
EVERYONE: Final = 999_999
PENDING: Final = 10
"""Messages of each user in one batch of the kind COALESCED."""


class Kind(StrEnum):
    """What one batch holds."""

    BROADCAST = "broadcast"
    """One message to every socket."""
    UNICAST = "unicast"
    """A message of its own for each user."""
    COALESCED = "coalesced"
    """Ten for each user."""

    @property
    def each(self) -> int:
        """How many messages of a batch a socket gets."""
        return PENDING if self is Kind.COALESCED else 1


class Template:
    """An item whose places are filled in quickly."""

    def __init__(self, item: str = ITEM) -> None:
        marks = re.compile(f"{NUMBER}|{USER}|{STAMP}")
        self._order = marks.findall(item)
        self._text = marks.sub(lambda mark: f"%0{len(mark[0])}d", item).encode()

    def fill(self, user: int, number: int, stamp: int = 0) -> bytes:
        """The item's JSON."""
        values = {NUMBER: number, USER: user, STAMP: stamp}
        return self._text % tuple([values[mark] for mark in self._order])


def padded(by: int) -> Template:
    """An item that is longer by so many letters."""
    return Template(f"{ITEM[:-3]}{'x' * by}{ITEM[-3:]}")


def event(item: bytes) -> bytes:
    """A record of `inbox.v1` that brings it."""
    return b'{"change":"created","items":[%b],"at":1764000000000,"offset":%b}' % (item, item[_OFFSET])


def batch(kind: Kind, sockets: int, number: int, template: Template) -> list[tuple[int, bytes]]:
    """The messages of a batch with their users, `number` being the first one's, in the order in which Kafka gives them.

    That is partition by partition, and in each of them message by message: not all of a user's at once.
    """
    users = [EVERYONE] if kind is Kind.BROADCAST else sorted(range(sockets), key=lambda user: user % PARTITIONS)
    numbers = range(number, number + kind.each)
    if kind is not Kind.COALESCED:
        return [(user, template.fill(user, number)) for user in users]
    parts = [users[start : start + size] for start, size in _parts(sockets)]
    return [(user, template.fill(user, each)) for part in parts for each in numbers for user in part]


def _parts(sockets: int) -> list[tuple[int, int]]:
    """Where each partition's users begin, and how many they are."""
    sizes = [len(range(part, sockets, PARTITIONS)) for part in range(PARTITIONS)]
    return [(sum(sizes[:part]), size) for part, size in enumerate(sizes)]
