"""Whose phones they are, and that ingest knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from carillon.client import AsyncClient
from carillon.errors import ProblemError
from sandbox.demo.people import bodies

FILE: Final = Path(__file__).with_name("people.yaml")


class PhoneOwner(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two."""

    id: str
    name: str
    locale: str
    zone: str


def read_people(sink: str, now: int) -> dict[str, dict[str, Any]]:
    """Their profiles by id; `now` in milliseconds."""
    return bodies(yaml.safe_load(FILE.read_text()), sink, now)


def owners(people: dict[str, dict[str, Any]]) -> list[PhoneOwner]:
    """In the order of the file."""
    return [
        PhoneOwner(id=user, name=one["name"], locale=one["locale"], zone=one["zone"]) for user, one in people.items()
    ]


async def introduce(carillon: AsyncClient, people: dict[str, dict[str, Any]]) -> None:
    """Stores who is not known yet: what somebody has switched on their phone stays. Raises ClientError."""
    for user, profile in people.items():
        try:
            await carillon.get_user(user)
        except ProblemError as error:
            if error.status != 404:
                raise
            await carillon.put_user(user, profile)
