"""Bodies and parameters of `/v1/suppressions`."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from services.ingest.models.body import Body
from services.ingest.models.fields import Category, Time, field_error
from shared.model.addresses import MAX_URL
from shared.model.channels import ADDRESS_KINDS
from shared.model.errors import Invalid, InvalidProfile
from shared.model.owners import address_ids
from shared.model.suppressions import Suppression, SuppressionReason
from shared.model.timestamps import rfc3339

EXAMPLE: Final[JsonDict] = {"kind": "email", "address": "ada@example.com"}
_STORED: Final[JsonDict] = {
    "kind": "email", "reason": "bounced", "category": None, "created_at": "2026-01-05T08:00:00.000Z", "by": "0a1b2c3d4e5f",
}  # fmt: skip
_KINDS: Final = {"enum": list(ADDRESS_KINDS)}


class SuppressedAddress(Body):
    """An address, as a profile or an inline person has it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    kind: Annotated[str, Field(json_schema_extra=_KINDS, description=f"one of {', '.join(ADDRESS_KINDS)}")]
    address: str = Field(max_length=MAX_URL)

    @model_validator(mode="after")
    def _is_one(self) -> SuppressedAddress:
        try:
            self._id()
        except Invalid as error:
            raise field_error(error) from error
        return self

    @property
    def address_id(self) -> str:
        """Kind and hash, which is all that is kept of it."""
        return self._id()

    def _id(self) -> str:
        kind = ADDRESS_KINDS.get(self.kind)
        if kind is None:
            raise InvalidProfile("invalid_request", f"is none of {', '.join(ADDRESS_KINDS)}", "/kind")
        (found,) = address_ids({kind.name: kind.check(self.address, "/address")})
        return found


class SuppressionKey(SuppressedAddress):
    """An address and what is not sent to it."""

    category: Category | None = Field(None, description="a workflow's category; without one: everything")


class SuppressionBody(SuppressionKey):
    """What is not sent to an address, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [EXAMPLE | {"category": "news", "reason": "unsubscribed"}]}
    )

    reason: SuppressionReason = Field(SuppressionReason.MANUAL, description="unsubscribed lets critical pass")


class SuppressionFilter(SuppressionKey):
    """The entries to take off."""

    reason: SuppressionReason | None = Field(None, description="without one: whatever the reason")


class LiftRequest(Body):
    """Which entries are taken off, of whatever address and category."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"reason": "bounced", "by": "email/sendgrid", "since": "2026-01-05T08:00:00Z", "dry_run": True}
            ]
        }
    )

    reason: SuppressionReason
    by: str | None = Field(None, min_length=1, max_length=64, description="who put them there, as entries show it")
    since: Time | None = Field(None, description="put there at this time or later")
    until: Time | None = Field(None, description="put there before")
    dry_run: bool = Field(
        False, strict=True, description="true: nothing is taken off; the answer says how many would be"
    )


class LiftedSuppressions(Body):
    """What was taken off, or would be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entries": 200, "more": True}]})

    entries: int
    more: bool = Field(description="there are others: repeat the call; of a dry run: more than it counts")


class StoredSuppression(Body):
    """An entry of the list. What it is about is not kept in clear."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STORED]})

    kind: str
    reason: SuppressionReason
    category: str | None = Field(description="null: everything")
    created_at: str = Field(description="RFC 3339")
    by: str = Field(description="the id of the API key, `one-click`, or a provider's account, as `sms/twilio`")


class SuppressionEntries(Body):
    """All entries about an address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"entries": [_STORED]}]})

    entries: list[StoredSuppression]


def shown(entry: Suppression) -> StoredSuppression:
    """The entry as the API shows it."""
    return StoredSuppression(
        kind=entry.kind,
        reason=entry.reason,
        category=entry.category,
        created_at=rfc3339(entry.created_at),
        by=entry.by,
    )
