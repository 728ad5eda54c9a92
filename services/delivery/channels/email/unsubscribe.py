"""How whoever gets an e-mail ends it from their mail program: List-Unsubscribe (RFC 2369), with one click (RFC 8058)."""

from __future__ import annotations

from typing import Final

from services.delivery.channels.email.letter import Field
from shared.model.deliveries import Delivery
from shared.model.signed_tokens import MAX_TOKEN
from shared.model.unsubscribing import link_of, sign
from shared.model.workflows import Workflow

PATH: Final = "/u/"
"""Of the gateway, which acts."""


class UnsubscribeFields:
    """The header fields; none where a message cannot be unsubscribed from."""

    def __init__(self, public_url: str, secret: bytes) -> None:
        self._base = public_url.rstrip("/") + PATH
        self._secret = secret

    def of(self, delivery: Delivery, workflow: Workflow) -> list[Field]:
        """Both fields, or none."""
        link = link_of(delivery, workflow)
        token = None if link is None else sign(link, self._secret)
        if token is None or len(token) > MAX_TOKEN:
            return []
        return [
            Field("List-Unsubscribe", f"<{self._base}{token}>"),
            Field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
