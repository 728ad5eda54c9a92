"""Callback links: which delivery a provider tells of. Signed by us, so that no provider has to be believed but who was told it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from shared.model.deliveries import Delivery
from shared.model.owners import address_ids
from shared.model.signed_tokens import read_signed, sign_payload

CALLBACKS_PATH: Final = "/v1/callbacks"
"""Of ingest; then the provider's name, and the token."""
CALLBACK_ARGUMENT: Final = "callback"
"""What SendGrid repeats in its events, with the token in it."""
_PURPOSE: Final = b"carillon callback 1\n"


class CallbackLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=lambda name: name[0]):
    """One generation of a delivery, as it was sent."""

    tenant: str
    delivery: str
    generation: int = 0
    address: str | None = None
    """Its id, as `owners.address_ids` has it: what bounces is this one, whatever the user has since."""
    redirected: bool = False
    """It went to the one address of its tenant's tests: what is told of that is not of its recipient."""


def callback_link(delivery: Delivery, *, with_address: bool = True) -> CallbackLink:
    """What a provider is given with a message. `with_address`: not where it keeps what it is given for good."""
    kind = delivery.channel.spec.address
    ids = address_ids({kind.name: delivery.address}) if kind is not None and with_address else []
    return CallbackLink(
        tenant=delivery.notification.tenant,
        delivery=delivery.id,
        generation=delivery.generation,
        address=ids[0] if ids else None,
        redirected=delivery.redirected,
    )


def sign_callback(link: CallbackLink, secret: bytes) -> str:
    """The token of a link: it may stand in a path."""
    return sign_payload(_encoder.encode(link), secret, _PURPOSE)


def read_callback(token: str, secrets: Sequence[bytes]) -> CallbackLink | None:
    """The link of a token that one of these secrets signed; None for anything else."""
    return read_signed(token, secrets, _PURPOSE, _decoder)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(CallbackLink)
