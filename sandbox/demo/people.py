"""The people of `sandbox/people.yaml`, loaded through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from carillon.client import AsyncClient
from shared.model.timestamps import to_datetime

FILE: Final = Path(__file__).parent.parent / "people.yaml"
QUIET_BEFORE: Final = timedelta(hours=1)
QUIET_AFTER: Final = timedelta(hours=2)

ProfileJson = dict[str, Any]


def bodies(document: Mapping[str, Mapping[str, Any]], sink: str, now: int) -> dict[str, ProfileJson]:
    """The body of PUT for each person. `sink` is its URL, `now` in milliseconds since the epoch."""
    return {user: _body(person, sink, now) for user, person in document.items()}


def _body(person: Mapping[str, Any], sink: str, now: int) -> ProfileJson:
    body = {name: value for name, value in person.items() if name != "quiet_now"}
    if "addresses" in body:
        body["addresses"] = {kind: place.replace("{sink}", sink) for kind, place in body["addresses"].items()}
    if person.get("quiet_now"):
        local = to_datetime(now).astimezone(ZoneInfo(person["zone"]))
        start, until = local - QUIET_BEFORE, local + QUIET_AFTER
        body["quiet_hours"] = {"windows": [{"from": f"{start:%H:%M}", "until": f"{until:%H:%M}"}]}
    return body


def quiet_zone(body: Mapping[str, Any]) -> str:
    """The zone in which a person's quiet hours are meant."""
    return str((body.get("quiet_hours") or {}).get("zone") or body.get("zone") or "UTC")


async def load(carillon: AsyncClient, sink: str, now: int) -> dict[str, ProfileJson]:
    """Everybody is stored and decided by from here on; returns the bodies that were sent."""
    people = bodies(yaml.safe_load(FILE.read_text()), sink, now)
    await asyncio.gather(*(carillon.put_user(user, body) for user, body in people.items()))
    return people
