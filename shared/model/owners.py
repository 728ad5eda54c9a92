"""Whose an address is: an inline person whose address a user of the tenant has is that user (decision 14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shared.model import formats
from shared.model.channels import ADDRESS_KINDS
from shared.model.ids import SEPARATOR, derive
from shared.model.notifications import Contact
from shared.model.profiles import Preferences


class AddressHolder(msgspec.Struct, frozen=True, kw_only=True):
    """A user who has an address, and what they allow."""

    user: str
    preferences: Preferences = Preferences()
    mute_until: int | None = None
    """They want nothing that is not critical until then."""
    life: int = 0
    """The user's current one."""
    format: int = formats.OLDEST
    """Of the profile; of a newer one the preferences mean nothing here."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the addresses of an inline person."""

    user: str | None
    """None: several share them, and none of them is meant in particular."""
    preferences: Preferences
    """What all of them allow."""
    mute_until: int | None = None
    """Until then one of them wants nothing that is not critical; milliseconds since the epoch."""
    life: int = 0
    """The user's current one."""
    newer: int = 0
    """The format of a profile among theirs that only a newer version can read; 0: all are readable."""
    unowned: tuple[str, ...] = ()
    """Kinds of those addresses that nobody has."""


def address_ids(addresses: Mapping[str, str]) -> list[str]:
    """What profiles and inline people are compared by, in the order of the kinds: equal for the same place.

    Kind and hash: neither an index nor the database's log of slow queries holds an address.
    """
    return [
        f"{name}{SEPARATOR}{derive('address', kind.identity(addresses[name]))}"
        for name, kind in ADDRESS_KINDS.items()
        if name in addresses
    ]


def owner_of(contact: Contact, holders: Mapping[str, Sequence[AddressHolder]]) -> Owner | None:
    """Who an inline person is, by the holders of their addresses (`address_ids`); None: nobody has any of them.

    The first address that one user alone has decides.
    """
    having = {address: holders.get(address, ()) for address in address_ids(contact.addresses)}
    found = [one for those in having.values() for one in those]
    if not found:
        return None
    alone = next((those[0] for those in having.values() if len(those) == 1), None)
    newest = max(one.format for one in found)
    return Owner(
        user=None if alone is None else alone.user,
        life=0 if alone is None else alone.life,
        newer=newest if newest > formats.FORMAT else 0,
        preferences=_joint(one.preferences for one in found),
        mute_until=max((one.mute_until for one in found if one.mute_until is not None), default=None),
        unowned=tuple(address.partition(SEPARATOR)[0] for address, those in having.items() if not those),
    )


def _joint(sets: Iterable[Preferences]) -> Preferences:
    """What all of them allow: an entry forbids where one of them does."""
    categories: dict[str, bool] = {}
    workflows: dict[str, bool] = {}
    channel_types: dict[str, bool] = {}
    for one in sets:
        for joint, given in (
            (categories, one.categories),
            (workflows, one.workflows),
            (channel_types, one.channel_types),
        ):
            for name, allowed in given.items():
                joint[name] = joint.get(name, True) and allowed
    return Preferences(categories=categories, workflows=workflows, channel_types=channel_types)
