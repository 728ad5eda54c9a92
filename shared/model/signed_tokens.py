"""Tokens that carry what they are about, signed: whoever holds one needs nothing else, and nobody else can make one."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeVar

from msgspec import DecodeError
from msgspec.json import Decoder

Signed = TypeVar("Signed")

MAX_TOKEN: Final = 900
"""Characters: a header field's line holds 998, its URL included (RFC 5322 2.1.1)."""
MIN_SECRET: Final = 24


def sign_payload(payload: bytes, secret: bytes, purpose: bytes) -> str:
    """The token: letters, digits, `-`, `_` and one `.`.

    `purpose` is signed with it, so that no other signature of the same secret is taken for one of these.
    """
    return f"{_text(payload)}.{_text(_signature(payload, secret, purpose))}"


def signed_payload(token: str, secrets: Sequence[bytes], purpose: bytes) -> bytes | None:
    """What one of these secrets signed for this purpose; None for anything else."""
    if len(token) > MAX_TOKEN:
        return None
    payload, _, signature = (_bytes(part) for part in token.partition("."))
    if not payload or not signature:
        return None
    signed = [hmac.compare_digest(_signature(payload, secret, purpose), signature) for secret in secrets]
    return payload if any(signed) else None


def read_signed(token: str, secrets: Sequence[bytes], purpose: bytes, decoder: Decoder[Signed]) -> Signed | None:
    """What stands in a token that one of these secrets signed for this purpose; None for anything else."""
    payload = signed_payload(token, secrets, purpose)
    if payload is None:
        return None
    try:
        return decoder.decode(payload)
    except (DecodeError, UnicodeDecodeError):
        return None


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Secrets separated by spaces or commas: the first signs, each is accepted. Raises ValueError."""
    found = tuple(part.encode() for part in text.replace(",", " ").split())
    if any(len(secret) < MIN_SECRET for secret in found):
        raise ValueError(f"a secret has at least {MIN_SECRET} characters")
    return found


def _signature(payload: bytes, secret: bytes, purpose: bytes) -> bytes:
    return hmac.new(secret, purpose + payload, sha256).digest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Empty where it is no base64url, or not as it is written here."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if _text(raw) == text else b""
