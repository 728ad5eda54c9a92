"""The port of a provider that calls back: whether a call is its own, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

from shared.model.errors import Invalid
from shared.model.receipts import ReceiptState
from shared.model.suppressions import SuppressionReason

MAX_CALL_BYTES: Final = 65_536
MAX_FIELDS: Final = 100
MAX_CODE: Final = 32


class ProviderCall(NamedTuple):
    """One call as it came; names of headers have no case."""

    url: str
    """As the provider was given it."""
    query: bytes
    headers: Mapping[str, str]
    body: bytes


class Reported(NamedTuple):
    """What became of one message. A state of no meaning here is not reported."""

    state: ReceiptState
    code: str | None = None
    token: str | None = None
    """Of the message, where the call is about several."""
    email: str | None = None
    """Whose mailbox, where the token does not say the address."""
    unsubscribed: bool = False
    """It did not arrive because who reads there has told the provider that they want no more."""

    @property
    def suppresses(self) -> SuppressionReason | None:
        """Why nothing more is sent to the address; None: it may be."""
        return SuppressionReason.UNSUBSCRIBED if self.unsubscribed else self.state.suppresses


class UnreadableCallback(Invalid):
    """It is not what this provider sends."""


class CallbackProvider(Protocol):
    """One provider."""

    @property
    def account(self) -> str:
        """Channel and provider."""
        ...

    @property
    def max_bytes(self) -> int:
        """Of a call."""
        ...

    @property
    def tokens_in_path(self) -> bool:
        """Whether each message has a path of its own; else the call has a token for each."""
        ...

    def is_genuine(self, call: ProviderCall) -> bool:
        """Whether the provider signed it, in constant time; True as well where it does not sign."""
        ...

    def read(self, call: ProviderCall) -> Sequence[Reported]:
        """What it tells. Raises UnreadableCallback."""
        ...


def fields_of(text: bytes) -> list[tuple[str, str]]:
    """The fields of a form or a query. Raises UnreadableCallback."""
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise UnreadableCallback("unreadable_callback", "it is no form") from error


def code_of(value: object) -> str | None:
    """A provider's code, which is a number or a word; anything else may be a text with an address in it."""
    text = str(value) if isinstance(value, str | int) else ""
    return (
        text if text.isascii() and text.replace(".", "").replace("_", "").isalnum() and len(text) <= MAX_CODE else None
    )
