"""Recipients as producers name them: a user id, or an inline person by address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from shared.model import ids
from shared.model.addresses import check_locale, check_name
from shared.model.channels import ADDRESS_KINDS
from shared.model.errors import Invalid
from shared.model.identifiers import check_user_id, is_user_id
from shared.model.notifications import Contact
from shared.model.quiet_windows import check_zone

MAX_RECIPIENTS: Final = 100
"""That are expanded at once; more are a fan-out."""
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


class NamedRecipients(NamedTuple):
    """Those that a list names, and what is wrong with each other entry of it."""

    found: tuple[Recipient, ...]
    rejected: tuple[Invalid, ...] = ()


def recipients(
    value: object,
    pointer: str = "/recipients",
    *,
    pointers: Sequence[str] | None = None,
    most: int = MAX_RECIPIENTS,
) -> NamedRecipients:
    """Recipients from an event: a user id (a number, too), an inline person, or a list; `pointers`: where each of it stands.

    An entry of a list that names nobody costs only itself. Raises Invalid when there are more than `most`, or when it is
    no list and names nobody.
    """
    if not isinstance(value, list):
        return NamedRecipients((recipient(_with_text(value), pointer),))
    if len(value) > most:
        raise Invalid("too_many_recipients", f"{len(value)} recipients; name at most {most}, or a topic", pointer)
    found: list[Recipient] = []
    rejected: list[Invalid] = []
    for position, item in enumerate(value):
        if is_user_id(item):
            found.append(Recipient(id=item))  # the fast way of nearly all
            continue
        try:
            found.append(recipient(_with_text(item), pointers[position] if pointers else f"{pointer}/{position}"))
        except Invalid as error:
            rejected.append(error)
    return NamedRecipients(tuple(found), tuple(rejected))


def user_id_of(value: object) -> str | None:
    """The user id of somebody whom an event names (its actor), in the form of a recipient's; None for nobody.

    Producers that keep users under numbers write the same user as 42 here and as "42" there.
    """
    try:
        return recipient(_with_text(value), "").id
    except Invalid:
        return None


def _with_text(value: object) -> object:
    """The same with the id that is a number as text."""
    if isinstance(value, dict) and value.keys() == {"id"}:
        return {"id": _with_text(value["id"])}
    return str(value) if _is_number(value) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def names_somebody(item: object) -> bool:
    """Whether JSON names a person, be it a recipient that would be taken or not."""
    if isinstance(item, list):
        return any(map(names_somebody, item))
    if isinstance(item, dict):
        return item.keys() == {"id"} or not ADDRESS_KINDS.keys().isdisjoint(item)
    return isinstance(item, str) or _is_number(item)


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
    unknown = next((name for name in item if name not in _CHECKS), None)
    if unknown is not None:
        raise Invalid("invalid_recipient", f"unknown field {unknown[:60]!r}", pointer)
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
