"""What a provider's answer means: the word that its table has for a code, and what becomes of the attempt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected, Sent
from shared.model.reasons import Reason

UNREADABLE_ANSWER: Final = "unreadable_answer"
"""Its code in statuses."""


class Meaning(StrEnum):
    """What an answer says."""

    TAKEN = "taken"
    PERMANENT = "permanent"
    """This message: never."""
    DEAD_ADDRESS = "dead_address"
    """This address: never, whatever the message."""
    UNSUBSCRIBED = "unsubscribed"
    """Who reads there has told the provider that they want no more."""
    TRANSIENT = "transient"
    """This attempt; another may succeed."""
    THROTTLED = "throttled"
    """Our account sends too fast: all that it carries waits, or goes another way."""
    UNREADABLE = "unreadable"
    """It says yes, but not in words of this provider: whether the message was taken nobody knows."""
    PROVIDER_DOWN = "provider_down"
    OUR_FAULT = "our_fault"
    """Our credentials, our quota, our settings: the same for every message."""


def outcome_of(
    meaning: Meaning, code: str, *, retry_after_ms: int | None = None, receipt: str | None = None
) -> Outcome:
    """The outcome of an answer. `code` names it in statuses and dead letters; `receipt` is the provider's own id of it."""
    match meaning:
        case Meaning.TAKEN:
            return Sent(receipt=receipt or code)
        case Meaning.PERMANENT:
            return Rejected(code=code, fault=AttemptFault.MESSAGE)
        case Meaning.DEAD_ADDRESS:
            return Rejected(reason=Reason.DEAD_ADDRESS, code=code)
        case Meaning.UNSUBSCRIBED:
            return Rejected(reason=Reason.ADDRESS_SUPPRESSED, code=code)
        case Meaning.TRANSIENT:
            return Failed(code=code, retry_after_ms=retry_after_ms, fault=AttemptFault.PROVIDER)
        case Meaning.UNREADABLE:
            return Failed(code=code, fault=AttemptFault.PROVIDER, unconfirmed=True)
        case Meaning.THROTTLED:
            return ProviderUnavailable(code=code, fault=AttemptFault.ACCOUNT, retry_after_ms=retry_after_ms)
        case Meaning.PROVIDER_DOWN:
            return ProviderUnavailable(code=code, retry_after_ms=retry_after_ms)
        case Meaning.OUR_FAULT:
            return ProviderUnavailable(code=code, fault=AttemptFault.ACCOUNT)


_STATUSES: Final[Mapping[int, Meaning]] = {
    401: Meaning.OUR_FAULT,
    402: Meaning.OUR_FAULT,
    403: Meaning.OUR_FAULT,
    404: Meaning.OUR_FAULT,
    405: Meaning.OUR_FAULT,
    407: Meaning.OUR_FAULT,
    408: Meaning.TRANSIENT,
    409: Meaning.TRANSIENT,
    425: Meaning.TRANSIENT,
    429: Meaning.THROTTLED,
    500: Meaning.TRANSIENT,
    501: Meaning.OUR_FAULT,
    505: Meaning.OUR_FAULT,
}


def meaning_of_status(status: int) -> Meaning:
    """What an HTTP status says of a provider that says nothing more.

    A redirect is not followed: it means that our settings have the wrong address.
    """
    if known := _STATUSES.get(status):
        return known
    if 200 <= status < 300:
        return Meaning.TAKEN
    if 400 <= status < 500:
        return Meaning.PERMANENT
    return Meaning.PROVIDER_DOWN if status >= 500 else Meaning.OUR_FAULT
