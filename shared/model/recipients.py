"""Recipients as producers name them: a user id, or an inline person by address."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.model import ids
from shared.model.addresses import CHECKS, check_locale, check_name
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id
from shared.model.notifications import Contact
from shared.model.quiet_windows import check_zone

MAX_RECIPIENTS: Final = 100


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A user id, or an inline person (then `id` is the hash of the address)."""

    id: str
    contact: Contact | None = None


def recipients(value: object, pointer: str = "/recipients") -> tuple[Recipient, ...]:
    """Recipients from JSON: a user id, an inline person, or a list of these. Raises Invalid."""
    items = value if isinstance(value, list) else [value]
    if len(items) > MAX_RECIPIENTS:
        raise Invalid("too_many_recipients", f"{len(items)} recipients; send at most {MAX_RECIPIENTS} at once", pointer)
    return tuple(recipient(item, f"{pointer}/{position}") for position, item in enumerate(items))


def recipient(item: object, pointer: str) -> Recipient:
    """One recipient from JSON. Raises Invalid with a pointer below `pointer`."""
    if isinstance(item, str):
        return Recipient(id=check_user_id(item, pointer))
    if not isinstance(item, dict):
        raise Invalid("invalid_recipient", "a recipient is a user id or an object", pointer)
    if "id" in item:
        if len(item) > 1:
            raise Invalid("invalid_recipient", "name a user by id alone, or an inline person without id", pointer)
        return Recipient(id=check_user_id(item["id"], f"{pointer}/id"))
    try:
        contact = msgspec.convert(item, Contact)
    except msgspec.ValidationError as error:
        raise Invalid("invalid_recipient", str(error).partition(" - at ")[0], pointer) from error
    unknown = item.keys() - set(Contact.__struct_fields__)
    if unknown:
        raise Invalid("invalid_recipient", f"unknown field {min(unknown)[:60]!r}", pointer)
    for name, check in (*CHECKS.items(), ("name", check_name), ("locale", check_locale), ("zone", check_zone)):
        value = getattr(contact, name)
        if value is not None:
            check(value, f"{pointer}/{name}")
    address = contact.email or contact.phone or contact.webhook
    if not address:
        raise Invalid("invalid_recipient", "an inline person needs email, phone or webhook", pointer)
    return Recipient(id=ids.inline_user_id(address), contact=contact)
