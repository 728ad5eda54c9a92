"""Links that unsubscribe: what one is about, signed, so that whoever holds it needs no account (RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.model.deliveries import Delivery
from shared.model.owners import address_ids
from shared.model.signed_tokens import read_signed, sign_payload
from shared.model.workflows import Workflow

_PURPOSE: Final = b"carillon unsubscribe 1\n"


class UnsubscribeLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=lambda name: name[0]):
    """Who wants no more of what. It does not expire, and says of an address no more than its id."""

    tenant: str
    user: str | None = None
    address: str | None = None
    """Of somebody without an account: its id, as `owners.address_ids` has it."""
    life: int = 0
    """The user's."""
    category: str | None = None
    workflow: str | None = None
    """Instead of a category that no preference can name."""
    delivery: str


def link_of(delivery: Delivery, workflow: Workflow) -> UnsubscribeLink | None:
    """What unsubscribes from the like of this delivery; None where nothing can: critical, or no address to name."""
    if workflow.critical:
        return None
    named = not workflow.category.startswith("$")  # as a name in the database it would be taken for an operator
    link = UnsubscribeLink(
        tenant=delivery.notification.tenant,
        category=workflow.category if named else None,
        workflow=None if named else workflow.key,
        delivery=delivery.id,
    )
    if delivery.profile_version:
        return msgspec.structs.replace(link, user=delivery.notification.user, life=delivery.notification.life)
    kind = delivery.channel.spec.address
    if kind is None:
        return None
    (address,) = address_ids({kind.name: delivery.address})
    return msgspec.structs.replace(link, address=address, category=workflow.category, workflow=None)


def sign(link: UnsubscribeLink, secret: bytes) -> str:
    """The token of a link."""
    return sign_payload(_encoder.encode(link), secret, _PURPOSE)


def read(token: str, secrets: Sequence[bytes]) -> UnsubscribeLink | None:
    """The link of a token that one of these secrets signed; None for anything else."""
    link = read_signed(token, secrets, _PURPOSE, _decoder)
    return link if link is not None and (link.user is None) != (link.address is None) else None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(UnsubscribeLink)
