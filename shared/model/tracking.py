"""Tracked links of an e-mail: which delivery was opened, or followed where; signed, so that nobody can make one lead elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from shared.model.signed_tokens import MAX_TOKEN, read_signed, sign_payload

TRACKING_PATH: Final = "/t/"
"""Of the gateway; then the token."""
_PURPOSE: Final = b"carillon tracking 1\n"


class Tracked(StrEnum):
    """What a template asks to be told."""

    OPENS = "opens"
    """By a picture of one pixel, which is fetched when the message is shown."""
    CLICKS = "clicks"
    """By links that lead over the gateway."""


class TrackedLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=lambda name: name[0]):
    """One link of one generation of a delivery."""

    tenant: str
    delivery: str
    generation: int = 0
    url: str | None = None
    """Where it leads; None: it is the pixel."""


def sign_tracked(link: TrackedLink, secret: bytes) -> str | None:
    """The token, which may stand in a path; None where the URL is too long for one."""
    token = sign_payload(_encoder.encode(link), secret, _PURPOSE)
    return token if len(token) <= MAX_TOKEN else None


def read_tracked(token: str, secrets: Sequence[bytes]) -> TrackedLink | None:
    """The link of a token that one of these secrets signed; None for anything else."""
    return read_signed(token, secrets, _PURPOSE, _decoder)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(TrackedLink)
