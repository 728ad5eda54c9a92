"""Derived ids: the same input always gives the same id, so a replay repeats itself.

Every id is a UUIDv5 (RFC 9562) in its 36-character form. Parts are joined by U+001F, which no
validated part may contain.
"""

from __future__ import annotations

from uuid_utils import UUID, uuid5

NAMESPACE = UUID("6f0c3c6e-3a55-5d0e-9d3f-2b1f5f0a7c11")
SEPARATOR = "\x1f"


def derive(kind: str, *parts: str | int) -> str:
    """The UUIDv5 of `kind` and `parts` in Carillon's namespace."""
    return _derive(SEPARATOR.join((kind, *map(str, parts))))


def _derive(name: str) -> str:
    """Of parts that are joined already: several for each notification, so written out below, at half of the price."""
    return str(uuid5(NAMESPACE, name))


def event_id(tenant: str, source: str, event: str, *, test: bool = False) -> str:
    """CloudEvents makes the pair (source, id) unique; a tenant makes it ours. A test takes nobody's place."""
    kind = "test_event" if test else "event"
    return _derive(f"{kind}\x1f{tenant}\x1f{source}\x1f{event}")


def notification_id(event: str, workflow: str, user: str) -> str:
    """One event for one user by one workflow."""
    return _derive(f"notification\x1f{event}\x1f{workflow}\x1f{user}")


def step_id(notification: str, step: str, channel: str) -> str:
    """What a hold of one channel is about, before there is a delivery."""
    return derive("step", notification, step, channel)


def delivery_id(notification: str, step: str, channel: str, endpoint: str) -> str:
    """One notification on one channel to one endpoint; it travels to the provider."""
    return _derive(f"delivery\x1f{notification}\x1f{step}\x1f{channel}\x1f{endpoint}")


def fallback_id(delivery: str) -> str:
    """What `decide` is asked about once a delivery has failed for good and its step has other channels."""
    return derive("fallback", delivery)


def decision_id(subject: str, generation: int, pass_: int) -> str:
    """One pass of a subject through `decide`."""
    return _derive(f"decision\x1f{subject}\x1f{generation}\x1f{pass_}")


def hold_id(subject: str, cause: str, generation: int, pass_: int) -> str:
    """A record held again has a higher pass, so its new hold never meets the old one."""
    return derive("hold", subject, cause, generation, pass_)


def status_id(subject: str, generation: int, pass_: int, state: str) -> str:
    """Readers of statuses drop what they have seen by this id."""
    return _derive(f"status\x1f{subject}\x1f{generation}\x1f{pass_}\x1f{state}")


def endpoint_id(tenant: str, address: str) -> str:
    """A recipient's own endpoint, which all of its tenant's users share who named it."""
    return derive("endpoint", tenant, address)


def inline_user_id(identity: str) -> str:
    """The user id of a person who is only an address; `identity` as its `AddressKind` says."""
    return derive("person", identity)


def user_key(tenant: str, user: str) -> bytes:
    """The partition key of everything that concerns one user."""
    return f"{tenant}:{user}".encode()
