"""What is said of a person, in a profile or inline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from services.ingest.models.body import Body
from services.ingest.models.fields import Locale, Name, UserId, Zone, checked
from shared.model.addresses import AddressKind
from shared.model.channels import ADDRESS_KINDS


def _address_field(kind: AddressKind) -> Any:
    schema = {name: value for name, value in kind.schema.items() if name != "type"}
    field = Annotated[str, checked(kind.check), Field(json_schema_extra={**schema, "examples": [kind.example]})]
    return (field | None, None)


if TYPE_CHECKING:
    Addresses = Body
else:
    Addresses = create_model(
        "Addresses",
        __base__=Body,
        __doc__="Where a person is reached.",
        **{kind.name: _address_field(kind) for kind in ADDRESS_KINDS.values()},
    )


class UserReference(Body):
    """A user by id."""

    id: UserId


class InlinePerson(Addresses):
    """Somebody without an account: at least one address."""

    name: Name | None = None
    locale: Locale | None = None
    zone: Zone | None = None
