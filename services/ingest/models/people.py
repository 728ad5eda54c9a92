"""What is said of a person, in a profile or inline."""

from __future__ import annotations

from pydantic import Field

from services.ingest.models.body import Body
from services.ingest.models.fields import Email, Locale, Name, Phone, UserId, Webhook, Zone


class Addresses(Body):
    """Where a person is reached."""

    email: Email | None = Field(None, description="one bare address, as ada@example.com")
    phone: Phone | None = Field(None, description="E.164, as +4915112345678")
    webhook: Webhook | None = Field(None, description="an http or https URL")


class UserReference(Body):
    """A user by id."""

    id: UserId


class InlinePerson(Addresses):
    """Somebody without an account: at least one of `email`, `phone`, `webhook`."""

    name: Name | None = None
    locale: Locale | None = None
    zone: Zone | None = None
