"""Recipients as producers name them: a user id, or an inline person by address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from shared.model import ids
from shared.model.addresses import check_locale, check_name
from shared.model.channels import ADDRESS_KINDS
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id
from shared.model.notifications import Contact
from shared.model.quiet_windows import check_zone

MAX_RECIPIENTS: Final = 100
_CHECKS: Final[dict[str, Callable[[str, str], str]]] = {
    **{kind.name: kind.check for kind in ADDRESS_KINDS.values()},
    "name": check_name,
    "locale": check_locale,
    "zone": check_zone,
}


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
    unknown = item.keys() - _CHECKS.keys()
    if unknown:
        raise Invalid("invalid_recipient", f"unknown field {min(unknown)[:60]!r}", pointer)
    given = {name: item[name] for name in _CHECKS if item.get(name) is not None}
    for name, value in list(given.items()):
        if not isinstance(value, str):
            raise Invalid("invalid_recipient", f"{name} must be a string", pointer)
        given[name] = _CHECKS[name](value, f"{pointer}/{name}")
    addresses = {name: given.pop(name) for name in ADDRESS_KINDS if name in given}
    if not addresses:
        raise Invalid("invalid_recipient", f"an inline person needs one of {', '.join(ADDRESS_KINDS)}", pointer)
    kind, first = next(iter(addresses.items()))
    return Recipient(
        id=ids.inline_user_id(ADDRESS_KINDS[kind].identity(first)), contact=Contact(addresses=addresses, **given)
    )
