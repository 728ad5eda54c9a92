"""Links that unsubscribe: what one is about, signed, so that whoever holds it needs no account (RFC 8058)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from shared.model.deliveries import Delivery
from shared.model.owners import address_ids
from shared.model.workflows import Workflow

MAX_TOKEN: Final = 900
"""Characters: a header field's line holds 998, its URL included (RFC 5322 2.1.1)."""
MIN_SECRET: Final = 24
_PURPOSE: Final = b"carillon unsubscribe 1\n"
"""Signed with it, so that no other signature of the same secret is taken for one of these."""


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
    """The token of a link: letters, digits, `-`, `_` and one `.`."""
    payload = _encoder.encode(link)
    return f"{_text(payload)}.{_text(_signature(payload, secret))}"


def read(token: str, secrets: Sequence[bytes]) -> UnsubscribeLink | None:
    """The link of a token that one of these secrets signed; None for anything else."""
    payload, _, signature = (_bytes(part) for part in token.partition("."))
    if not payload or not signature:
        return None
    if not any(hmac.compare_digest(_signature(payload, secret), signature) for secret in secrets):
        return None
    try:
        link = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return link if (link.user is None) != (link.address is None) else None


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Secrets separated by spaces or commas: the first signs, each is accepted. Raises ValueError."""
    found = tuple(part.encode() for part in text.replace(",", " ").split())
    if any(len(secret) < MIN_SECRET for secret in found):
        raise ValueError(f"a secret has at least {MIN_SECRET} characters")
    return found


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(UnsubscribeLink)


def _signature(payload: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, _PURPOSE + payload, sha256).digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Empty where it is no base64url, or not as it is written here."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if _text(raw) == text else b""
