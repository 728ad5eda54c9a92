"""Digests that close together: each is read when it is decided, so a chunk ends by what they show."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from services.router.app import DECIDE_BYTES
from services.router.core.weights import weigh
from shared.deciding.digest_content import MAX_SHOWN_BYTES
from shared.model.digests import Digest
from shared.model.records import Kind, Record, encode, notify, profile_changed
from tests.support import samples as a
from tests.unit.router.test_faust_backlog import chunk_stream, read_event

MANY = 100


def closing(user: str = "ada") -> Record:
    about = a.notification(user=user)
    return Record(
        kind=Kind.RELEASE, tenant="acme", user=user, subject=about.id, pass_=1, digest="d-1", notification=about
    )


def again(digest: Digest | None) -> Record:
    delivery = a.delivery(digest=digest)
    return Record(kind=Kind.RETRY, tenant="acme", user="ada", subject=delivery.id, pass_=1, delivery=delivery)


@pytest.mark.parametrize(
    "record", [closing(), again(Digest(count=1, items=(msgspec.Raw(b"1"),), id="d-1"))], ids=["closes", "retried"]
)
def test_what_brings_a_digest_counts_as_what_that_shows(record: Record) -> None:
    value = encode(record)
    assert weigh(value) == len(value) + MAX_SHOWN_BYTES


@pytest.mark.parametrize(
    "value",
    [
        encode(notify(a.notification())),
        encode(notify(a.notification(data=msgspec.Raw(b'{"digest":"sha256"}')))),
        encode(again(None)),
        encode(profile_changed("acme", "ada")),
        b"",
        b'{"digest":1}',
        b'{"digest":',
        b'{"digest":"\xff"}',
        b'{"digest":' + b"[" * 100_000,
    ],
)
def test_anything_else_counts_as_what_it_is(value: bytes) -> None:
    assert weigh(value) == len(value)


async def test_a_chunk_ends_by_what_its_digests_show() -> None:
    values = [encode(closing(f"user-{number}")) for number in range(MANY)]
    assert await sizes(values) == [32, 32, 32, 4]
    assert await sizes([encode(notify(a.notification(user=f"user-{number}"))) for number in range(MANY)]) == [MANY]


async def sizes(values: list[bytes]) -> list[int]:
    queue: asyncio.Queue[Any] = asyncio.Queue()
    for offset, value in enumerate(values):
        queue.put_nowait(read_event(offset, value))
    return [len(chunk.records) async for chunk in chunk_stream(queue).chunks(500, DECIDE_BYTES, weigh)]
