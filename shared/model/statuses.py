"""Statuses: facts about notifications, deliveries and inboxes, published as CloudEvents.

Their ids are derived, so a replay repeats them and readers drop what they have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import orjson

from shared.model import ids
from shared.model.outputs import Output
from shared.model.timestamps import rfc3339


class Subject(NamedTuple):
    """What a status is about, and where it stands."""

    id: str
    generation: int
    pass_: int


def status(
    topic: str, *, area: str, state: str, subject: Subject, tenant: str, user: str, at: int, data: Mapping[str, object]
) -> Output:
    """`carillon.<area>.<state>` about `subject`; `at` in milliseconds since the epoch.

    The same subject, generation, pass and state always give the same `ce_id`.
    """
    headers = [
        _SPEC,
        ("ce_id", ids.status_id(subject.id, subject.generation, subject.pass_, state).encode()),
        _SOURCE,
        ("ce_type", _type(area, state)),
        ("ce_subject", subject.id.encode()),
        ("ce_time", _time(at)),
        ("ce_tenant", tenant.encode()),
        _JSON,
    ]
    body = {"user": user, "generation": subject.generation, "pass": subject.pass_, **data}
    return Output(topic, ids.user_key(tenant, user), orjson.dumps(body), headers)


def copy_facts(variant: str | None, locale: str | None) -> dict[str, object]:
    """What the data of a status say of the copy that is sent: which text, for a reader of which language."""
    facts = {"variant": variant, "locale": locale}
    return {name: fact for name, fact in facts.items() if fact is not None}


def subject_fact(subject: str | None) -> dict[str, object]:
    """What the data of a status say of the subject of its event."""
    return {"event_subject": subject} if subject is not None else {}


def retries_fact(max_retries: int | None) -> dict[str, object]:
    """What the data of a status say of the retries that its producer asked for."""
    return {"max_retries": max_retries} if max_retries is not None else {}


_SPEC = ("ce_specversion", b"1.0")


_SOURCE = ("ce_source", b"/carillon")


_JSON = ("content-type", b"application/json")


@lru_cache(maxsize=256)
def _type(area: str, state: str) -> bytes:
    return f"carillon.{area}.{state}".encode()


@lru_cache(maxsize=256)
def _time(at: int) -> bytes:
    """One chunk has one time."""
    return rfc3339(at).encode()
