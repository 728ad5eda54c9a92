"""What it means for a delivery that no answer came: of a provider of ours, and of a recipient's own endpoint."""

from __future__ import annotations

from typing import Final

from services.delivery.core.attempts import AttemptFault, Failed, Outcome, ProviderUnavailable, Rejected
from services.delivery.outbound.http import NoAnswer, Trouble
from shared.model.reasons import Reason

_THERE: Final = frozenset({Trouble.UNREADABLE, Trouble.ENDED})
"""Somebody is there: others that wait for it need not be parked."""
_MAY_HAVE_TAKEN: Final = _THERE | {Trouble.UNCONFIRMED}


def by_provider(nothing: NoAnswer) -> Outcome:
    """A provider that does not answer is down for everybody; but what it may have taken counts as an attempt."""
    if (never := _never_asked(nothing)) is not None:
        return never
    if nothing.trouble in _MAY_HAVE_TAKEN:
        silent = nothing.trouble not in _THERE
        return Failed(code=nothing.code, cool_down=silent, fault=AttemptFault.PROVIDER, unconfirmed=True)
    return ProviderUnavailable(code=nothing.code, fault=AttemptFault.CONNECTION)


def by_endpoint(nothing: NoAnswer) -> Outcome:
    """The endpoint is its recipient's own: that it does not answer is its own fault and costs an attempt."""
    if (never := _never_asked(nothing)) is not None:
        return never
    silent, unconfirmed = nothing.trouble not in _THERE, nothing.trouble in _MAY_HAVE_TAKEN
    return Failed(code=nothing.code, cool_down=silent, unconfirmed=unconfirmed)


def _never_asked(nothing: NoAnswer) -> Outcome | None:
    match nothing.trouble:
        case Trouble.FORBIDDEN:
            return Rejected(reason=Reason.FORBIDDEN_ADDRESS)
        case Trouble.INVALID_URL:
            return Rejected(code=nothing.code)
        case Trouble.BUSY:
            return ProviderUnavailable(code=nothing.code, fault=AttemptFault.US)
        case _:
            return None
