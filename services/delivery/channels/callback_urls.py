"""What a message gives its provider, so that it can tell what became of it."""

from __future__ import annotations

from shared.model.callback_links import CALLBACKS_PATH, callback_link, sign_callback
from shared.model.deliveries import Delivery
from shared.process.callback_settings import CallbackSettings


class CallbackUrls:
    """Made for each message; None where the operator wants no provider to call."""

    def __init__(self, settings: CallbackSettings) -> None:
        self._base = settings.callback_url and settings.callback_url + CALLBACKS_PATH
        self._secrets = settings.callback_secrets

    def of(self, provider: str, delivery: Delivery) -> str | None:
        """Where it calls back about this delivery: the path says which, and cannot be made by others."""
        if not self._base:
            return None
        return f"{self._base}/{provider}/{sign_callback(callback_link(delivery), self._secrets[0])}"

    def token(self, delivery: Delivery) -> str | None:
        """For a provider that calls at one place about all messages, and repeats what came with each."""
        if not self._base:
            return None
        return sign_callback(callback_link(delivery, with_address=False), self._secrets[0])
